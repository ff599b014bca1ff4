from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llmd.engine.bulletin import Totals
from llmd.protocol.events import Queued, Reading, Usage
from tests.unit.engine.conftest import Answers, MakeSequence

if TYPE_CHECKING:
    from llmd.engine.step import Engine

LONG = " ".join(str(number) for number in range(300))
OTHER = " ".join(str(number) for number in range(300, 0, -1))


def test_a_prompt_that_is_being_read_tells_how_far_it_is(
    engine: Engine, make: MakeSequence
) -> None:
    engine.submit(make(1, raw=LONG, max_tokens=2))
    engine.step()
    ((request, first),) = engine.news(time.monotonic())
    assert request == 1
    assert isinstance(first, Reading)
    assert engine.news(time.monotonic()) == [], "nothing has happened since"
    engine.step()
    ((_, second),) = engine.news(time.monotonic())
    assert isinstance(second, Reading)
    assert second.tokens > first.tokens >= first.cached_tokens
    Answers().run(engine)
    assert engine.news(time.monotonic()) == []


def test_a_request_that_waits_is_told_when_its_turn_has_come(
    engine: Engine, make: MakeSequence
) -> None:
    for number in range(8):
        engine.submit(make(number, "Hello", ignore_eos=True, max_tokens=3 + 2 * number))
    assert engine.submit(make(8, raw="Counting down: " + OTHER, max_tokens=1)).position == 8
    told = []
    while not engine.idle:
        engine.step()
        told += [event for number, event in engine.news(time.monotonic()) if number == 8]
    kinds = [type(event) for event in told]
    assert kinds[0] is Queued
    assert kinds[-1] is Reading
    assert kinds == sorted(kinds, key=[Queued, Reading].index)


def test_a_wait_that_was_guessed_wrong_is_told_again(engine: Engine, make: MakeSequence) -> None:
    for number in range(9):
        engine.submit(make(number, "Hello", ignore_eos=True, max_tokens=60))
    engine.step()
    now = time.monotonic()
    engine.news(now)
    assert [number for number, _ in engine.news(now + 0.1)] == []
    assert engine.scheduler.waiting
    assert [number for number, _ in engine.news(now + 60)] == [8]
    Answers().run(engine)


def test_counts_include_answers_under_way_and_never_go_down(
    engine: Engine, make: MakeSequence
) -> None:
    start = engine.figures(time.monotonic())
    for number in range(3):
        engine.submit(make(number, f"Hello {number}", ignore_eos=True, max_tokens=20))
    seen = [start.generated_tokens]
    for _ in range(6):
        engine.step()
        seen.append(engine.figures(time.monotonic()).generated_tokens)
    assert engine.cancel(0)
    seen.append(engine.figures(time.monotonic()).generated_tokens)
    assert seen[-2] > seen[0]
    Answers().run(engine)
    seen.append(engine.figures(time.monotonic()).generated_tokens)
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] > 40, "what was cancelled counts too"


def test_totals_add_up() -> None:
    totals = Totals()
    usage = Usage(
        prompt_tokens=9,
        completion_tokens=1,
        cached_tokens=2,
        drafted_tokens=4,
        accepted_tokens=3,
    )
    totals.add(usage)
    totals.add(usage)
    assert totals == Totals(
        reused_tokens=4, generated_tokens=2, drafted_tokens=8, accepted_tokens=6
    )
