from __future__ import annotations

import pytest

from llmd.protocol.events import Delta, Finished, FinishReason, Usage
from llmd.protocol.frames import WorkerEvent
from llmd.runtime.worker.bundling import Bundling

Events = list[tuple[int, WorkerEvent]]


def tokens(answers: int) -> Events:
    return [(number, Delta("a", 1)) for number in range(answers)]


def longest_wait(bundling: Bundling, step: float, answers: int, *, steady: bool = True) -> float:
    """Return the seconds that a token waited at most in a second of steps."""
    now, since, longest = 50.0, 0.0, 0.0
    while now < 51.0:
        now += step
        since = since or now
        if not bundling.waits(tokens(answers), now, steady=steady):
            longest, since = max(longest, now - since), 0.0
    return longest


@pytest.mark.parametrize("step", [0.0005, 0.002, 0.005, 0.008])
def test_tokens_of_quick_steps_travel_together_and_none_waits_long(step: float) -> None:
    assert step * 0.99 < longest_wait(Bundling(), step, answers=16) <= 0.0167


@pytest.mark.parametrize(
    ("step", "answers", "steady"), [(0.017, 16, True), (0.002, 3, True), (0.002, 16, False)]
)
def test_tokens_of_slow_steps_few_answers_or_beside_prompts_never_wait(
    step: float, answers: int, steady: bool
) -> None:
    assert longest_wait(Bundling(), step, answers, steady=steady) == 0


def test_a_step_that_came_after_a_pause_does_not_wait_for_another() -> None:
    bundling = Bundling()
    assert not bundling.waits(tokens(8), 100.0, steady=True)
    assert bundling.waits(tokens(8), 100.001, steady=True)
    assert not bundling.waits(tokens(8), 103.0, steady=True)


def test_the_end_of_an_answer_takes_all_along() -> None:
    bundling = Bundling()
    bundling.waits(tokens(8), 100.0, steady=True)
    assert bundling.waits(tokens(8), 100.001, steady=True)
    end: Events = [(9, Finished(FinishReason.STOP, Usage()))]
    assert not bundling.waits(tokens(8) + end, 100.002, steady=True)
    assert bundling.waits(tokens(8), 100.003, steady=True), "the next ones wait anew"
