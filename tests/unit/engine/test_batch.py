from __future__ import annotations

from llmd.engine import batch as batching
from llmd.engine.bindings import Batch
from llmd.engine.plan import Chunk
from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream


def sequence(request: int, tokens: list[int], slot: int, cached: int, generated: int) -> Sequence:
    made = Sequence(request, tokens, GreedySampler(), TextStream(), Timing(0.0), max_tokens=9)
    made.slot, made.cached, made.generated = slot, cached, generated
    return made


def test_decoding_comes_first_and_rows_follow_the_batch() -> None:
    stream = sequence(1, [5, 6, 7], slot=3, cached=2, generated=1)
    whole = sequence(2, [10, 11, 12], slot=0, cached=1, generated=0)
    part = sequence(3, [20, 21, 22, 23], slot=1, cached=0, generated=0)
    batch = Batch(16)
    chunks = [Chunk(stream, 1, last=True), Chunk(whole, 2, last=True), Chunk(part, 3, last=False)]
    count, rows = batching.write(batch, chunks)
    assert count == 6
    assert [(row.id, count) for row, count in rows] == [(1, 1), (2, 1)]
    assert batch.tokens[:6].tolist() == [7, 11, 12, 20, 21, 22]
    assert batch.positions[:6].tolist() == [2, 1, 2, 0, 1, 2]
    assert batch.sequences[:6].tolist() == [3, 0, 0, 1, 1, 1]
    assert batch.outputs[:6].tolist() == [1, 0, 1, 0, 0, 0]


def test_a_later_write_leaves_no_outputs_of_an_earlier_one() -> None:
    batch = Batch(8)
    batching.write(batch, [Chunk(sequence(1, [1, 2], 0, 1, 1), 1, last=True)])
    count, rows = batching.write(batch, [Chunk(sequence(2, [1, 2, 3], 0, 0, 0), 2, last=False)])
    assert (count, rows) == (2, [])
    assert batch.outputs[:2].tolist() == [0, 0]


def test_drafted_tokens_are_rows_of_their_own() -> None:
    plain = sequence(1, [5, 6, 7], slot=3, cached=2, generated=1)
    drafting = sequence(2, [8, 9], slot=1, cached=1, generated=1)
    drafting.draft = [30, 31]
    batch = Batch(8)
    chunks = [Chunk(drafting, 3, last=True), Chunk(plain, 1, last=True)]
    count, rows = batching.write(batch, chunks)
    assert count == 4
    assert [(row.id, rows) for row, rows in rows] == [(1, 1), (2, 3)]
    assert batch.tokens[:4].tolist() == [7, 9, 30, 31]
    assert batch.positions[:4].tolist() == [2, 1, 2, 3]
    assert batch.outputs[:4].tolist() == [1, 1, 1, 1]


def test_the_same_plan_again_is_one_token_further() -> None:
    streams = [sequence(1, [5, 6, 7], slot=3, cached=2, generated=1)]
    streams.append(sequence(2, [8, 9], slot=1, cached=1, generated=1))
    batch = Batch(8)
    count, rows = batching.write(batch, [Chunk(one, 1, last=True) for one in streams])
    for one, token in zip(streams, (70, 90), strict=True):
        one.tokens.append(token)
        one.cached += 1
    assert batching.again(batch, rows) == count == 2
    assert batch.tokens[:2].tolist() == [70, 90]
    assert batch.positions[:2].tolist() == [3, 2]
    assert batch.sequences[:2].tolist() == [3, 1]
    assert batch.outputs[:2].tolist() == [1, 1]
