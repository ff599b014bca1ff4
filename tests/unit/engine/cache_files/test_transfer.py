"""A text saved from one context goes on in another as if it had been read there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.bindings import Batch, Context, ContextShape, Floats, Model, start_backend
from llmd.engine.cache_files import (
    Bounds,
    CacheFiles,
    Checkpoint,
    Snapshot,
    checkpoint,
    restore,
    take,
)
from tests.fakes.random_memories import WINDOW

# Logits are compared to the last bit: a state that is wrong by a token differs in the third digit.
# That holds only for texts read in the same pieces into contexts that are otherwise empty.

SHAPE = ContextShape(tokens=1024, sequences=3, batch=128, micro_batch=128, threads=1, outputs=3)
KINDS = ("tiny", "swa", "recurrent", "hybrid")
POINT = 256
TEXT = np.random.default_rng(5).integers(0, 900, 400).tolist()
MakeContext = Callable[[], Context]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str, request: pytest.FixtureRequest) -> Iterator[Model]:
    path: Path = request.getfixturevalue(f"{kind}_model")
    start_backend(lambda *_: None)
    model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
    assert model
    yield model
    model.close()


@pytest.fixture
def make(model: Model) -> Iterator[MakeContext]:
    made = []

    def create() -> Context:
        context = Context.create(model, SHAPE)
        assert context
        made.append(context)
        return context

    yield create
    for context in made:
        context.close()


def read(context: Context, tokens: list[int], position: int, sequence: int = 0) -> Floats:
    """Decode tokens in pieces of at most a batch; return the logits after the last one."""
    batch = Batch(SHAPE.batch)
    for at in range(0, len(tokens), SHAPE.batch):
        end = batch.fill(0, tokens[at : at + SHAPE.batch], position + at, sequence)
        batch.outputs[end - 1] = 1
        assert context.decode(batch, end) == 0
    return context.logits(1)[0].copy()


def answer(context: Context, logits: Floats, position: int, sequence: int = 0) -> list[int]:
    """Go on greedily for twelve tokens."""
    tokens = []
    for at in range(position, position + 12):
        tokens.append(int(logits.argmax()))
        logits = read(context, tokens[-1:], at, sequence)
    return tokens


def saved(context: Context, model: Model) -> Snapshot:
    """Read TEXT into sequence 0, with a checkpoint on the way, and take it."""
    read(context, TEXT[:POINT], 0)
    point = Checkpoint(POINT, context.state_save(0, partial=True))
    read(context, TEXT[POINT:], POINT)
    shot = take(context, model, 0, TEXT, [point])
    assert shot
    return shot


def through_disk(shot: Snapshot, tmp_path: Path, tokens: list[int]) -> tuple[Snapshot, int]:
    """Save a snapshot and load it as another process would."""
    for store in (CacheFiles(tmp_path, "f" * 32, Bounds(1 << 30, 0), pytest.fail) for _ in "12"):
        assert store.save(shot)
    found = store.best(tokens)
    assert found
    loaded = store.load(found)
    assert loaded
    return loaded, found.length


def test_a_text_goes_on_after_a_restart_as_if_it_had_been_read(
    make: MakeContext, model: Model, tmp_path: Path
) -> None:
    context = make()
    shot = saved(context, model)
    more = TEXT[:20]
    wanted = read(context, more, len(TEXT))
    wanted_answer = answer(context, wanted, len(TEXT) + 20)

    loaded, length = through_disk(shot, tmp_path, TEXT + more)
    assert length == len(TEXT)
    fresh = make()
    assert restore(fresh, 1, loaded, length)
    assert fresh.last(1) == len(TEXT) - 1
    logits = read(fresh, more, len(TEXT), 1)
    assert np.array_equal(logits, wanted)
    assert answer(fresh, logits, len(TEXT) + 20, 1) == wanted_answer


def test_a_text_that_differs_is_taken_up_where_it_can_be(
    make: MakeContext, model: Model, kind: str, tmp_path: Path
) -> None:
    context = make()
    shot = saved(context, model)
    other = [*TEXT[:300], 1, 2, 3]
    loaded, length = through_disk(shot, tmp_path, other)
    # a plain KV cache is cut to what is shared; the others go back to the checkpoint
    assert length == (300 if kind == "tiny" else POINT)

    fresh = make()
    assert restore(fresh, 0, loaded, length)
    assert fresh.last(0) == length - 1
    if kind != "tiny":
        context = make()
        read(context, TEXT[:POINT], 0)
    context.remove(0, length, -1)
    rest = other[length:]
    assert np.array_equal(read(fresh, rest, length), read(context, rest, length))


def test_the_same_text_again_needs_its_last_token_only(
    make: MakeContext, model: Model, kind: str, tmp_path: Path
) -> None:
    context = make()
    loaded, length = through_disk(saved(context, model), tmp_path, TEXT[:-1])
    assert length == (len(TEXT) - 1 if kind in {"tiny", "swa"} else POINT)
    fresh = make()
    assert restore(fresh, 0, loaded, length)
    if kind in {"tiny", "swa"}:
        context.remove(0, len(TEXT) - 1, -1)
    else:
        context.remove(0)
        read(context, TEXT[:POINT], 0)
    rest = TEXT[length:]
    assert np.array_equal(read(fresh, rest, length), read(context, rest, length))


def test_lengths_of_no_use_are_refused(make: MakeContext, model: Model, kind: str) -> None:
    context = make()
    shot = saved(context, model)
    for length in (POINT - 1, POINT + 1):
        assert restore(context, 1, shot, length) == (kind == "tiny")
        assert context.last(1) == (length - 1 if kind == "tiny" else -1)
    if kind == "swa":
        assert shot.floor == len(TEXT) - 1
        short = make()
        read(short, TEXT[:WINDOW], 0)
        taken = take(short, model, 0, TEXT[:WINDOW])
        assert taken
        assert taken.floor == 0  # nothing has left the window yet


def test_a_context_without_room_refuses_and_stays_as_it_was(
    make: MakeContext, model: Model, kind: str
) -> None:
    context = make()
    shot = saved(context, model)
    read(context, TEXT[:300], 0, 1)
    expected = kind == "recurrent"  # one cell for each sequence, whatever its length
    assert restore(context, 2, shot, len(TEXT)) == expected
    assert context.last(2) == (len(TEXT) - 1 if expected else -1)
    assert (context.last(0), context.last(1)) == (len(TEXT) - 1, 299)


def test_a_snapshot_that_is_not_what_it_says_is_refused(make: MakeContext, model: Model) -> None:
    context = make()
    shot = saved(context, model)
    wrong = Snapshot(shot.tokens, shot.positions + 1, shot.state, shot.floor)
    assert not restore(context, 1, wrong, len(TEXT))
    assert context.last(1) == -1


def test_there_is_nothing_to_take_of_an_empty_sequence(make: MakeContext, model: Model) -> None:
    context = make()
    assert take(context, model, 0, []) is None
    assert take(context, model, 0, [1, 2]) is None


def test_texts_with_fewer_positions_than_tokens_are_used_whole_only(
    make: MakeContext, model: Model
) -> None:
    context = make()
    read(context, TEXT[:50], 0)
    shot = take(context, model, 0, TEXT[:60], [Checkpoint(20, context.state_save(0))])
    assert shot
    assert (shot.floor, shot.positions, shot.checkpoints) == (60, 50, ())
    assert restore(context, 1, shot, 60)
    assert context.last(1) == 49


def test_windows_can_be_saved_at_earlier_lengths_as_long_as_they_are_there(
    make: MakeContext, model: Model, kind: str
) -> None:
    context = make()
    read(context, TEXT[:POINT], 0)
    right = context.state_save(0, partial=True)
    read(context, TEXT[POINT:], POINT)
    point = checkpoint(context, model, 0, 2, POINT)
    assert context.last(2) == -1
    if kind != "swa":
        assert point is None
        return
    assert point
    shot = take(context, model, 0, TEXT, [point])
    assert shot
    states = (Checkpoint(POINT, right), point)
    rows = []
    for state in states:
        fresh = make()
        assert restore(
            fresh, 0, Snapshot(shot.tokens, len(TEXT), shot.state, shot.floor, (state,)), POINT
        )
        rows.append(read(fresh, TEXT[:20], POINT))
    assert np.array_equal(*rows)
    # what came back from a file has its last window only
    assert restore(context, 1, shot, len(TEXT))
    assert checkpoint(context, model, 1, 2, POINT) is None
