from __future__ import annotations

from typing import TYPE_CHECKING

from llmd.engine.shifting import shift
from llmd.protocol.requests import Speculation
from tests.unit.engine.conftest import Answers, MakeSequence

if TYPE_CHECKING:
    from llmd.engine.step import Engine

# one token a step: how many drafts bring depends on the machine's speed
ONE_BY_ONE = Speculation(mode="off")


def test_the_older_half_behind_the_beginning_goes_and_the_rest_moves_up(
    engine: Engine, make: MakeSequence
) -> None:
    sequence = make(1, "one two three four", ignore_eos=True, max_tokens=60)
    sequence.speculation = ONE_BY_ONE
    engine.submit(sequence)
    answers = Answers()
    for _ in range(41):
        answers.take(engine)
    before, cached = list(sequence.tokens), sequence.cached
    shift(sequence, engine._context, engine._memory, engine.scheduler.cache, 32)
    engine.scheduler.changed()
    keep = min(sequence.prompt_tokens, 8)
    gone = (32 - keep) // 2
    assert sequence.tokens == before[:keep] + before[keep + gone :]
    assert (sequence.cached, sequence.dropped, sequence.shifted) == (cached - gone, gone, True)
    assert engine._context.last(sequence.slot) == sequence.cached - 1
    answers.run(engine)
    assert answers.finished[1].usage.completion_tokens == 60


def test_a_beginning_that_others_share_stays_where_it_is(
    engine: Engine, make: MakeSequence
) -> None:
    sequences = [make(i, "one two three four", ignore_eos=True, max_tokens=60) for i in (1, 2)]
    answers = Answers()
    for sequence in sequences:
        sequence.speculation = ONE_BY_ONE
        engine.submit(sequence)
        answers.take(engine)
    for _ in range(41):
        answers.take(engine)
    first, second = sequences
    assert second.reused
    for sequence in (second, first):
        cached = sequence.cached
        shift(sequence, engine._context, engine._memory, engine.scheduler.cache, 80)
        assert sequence.shifted
        assert 0 < sequence.cached < cached
        assert engine._context.first(sequence.slot) == 0
        assert engine._context.last(sequence.slot) == sequence.cached - 1
    engine.scheduler.changed()
    answers.run(engine)
    assert {answers.finished[i].usage.completion_tokens for i in (1, 2)} == {60}


def test_cells_that_others_share_stay_and_the_context_is_read_again(
    engine: Engine, make: MakeSequence
) -> None:
    prompt = "red green blue yellow black white " * 6
    first = make(1, prompt, ignore_eos=True, max_tokens=40)
    second = make(2, prompt + "pink", ignore_eos=True, max_tokens=40)
    first.speculation = second.speculation = ONE_BY_ONE
    engine.submit(first)
    answers = Answers()
    answers.take(engine)
    engine.submit(second)
    for _ in range(4):
        answers.take(engine)
    shift(second, engine._context, engine._memory, engine.scheduler.cache, 64)
    engine.scheduler.changed()
    assert (second.cached, second.shifted) == (0, False)
    assert engine._context.last(first.slot) == first.cached - 1
    answers.run(engine)
    assert {answers.finished[i].usage.completion_tokens for i in (1, 2)} == {40}
