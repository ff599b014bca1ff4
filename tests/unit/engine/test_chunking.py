from __future__ import annotations

import pytest

from llmd.engine.chunking import PrefillPace


class Machine:
    """A step takes a fixed time, some for each answer, and some for each prompt token."""

    def __init__(self, fixed: float, answer: float, token: float) -> None:
        self.fixed, self.answer, self.token = fixed, answer, token

    def seconds(self, decoding: int, prompt: int) -> float:
        return self.fixed + self.answer * decoding + self.token * prompt


@pytest.mark.parametrize(
    "machine",
    [Machine(0.01, 0.002, 0.003), Machine(0.001, 0.0001, 0.00001), Machine(0.01, 0.0, 0.05)],
)
@pytest.mark.parametrize("slowdown", [1.5, 2.0, 4.0])
def test_steps_take_as_much_longer_on_the_average_as_they_may(
    machine: Machine, slowdown: float
) -> None:
    pace = PrefillPace(slowdown, largest=4096)
    plain = machine.seconds(4, 0)
    pace.observe(4, 0, plain)
    took, read = [], 0
    for _ in range(300):
        budget = pace.budget(4)
        read += budget
        took.append(machine.seconds(4, budget))
        pace.observe(4, budget, took[-1])
    ratio = sum(took) / len(took) / plain
    assert slowdown * 0.8 <= ratio <= slowdown * 1.1
    assert read > 0


def test_a_prompt_goes_on_however_dear_it_is() -> None:
    pace = PrefillPace(1.1, largest=64)
    pace.observe(1, 0, 0.001)
    read = 0
    for _ in range(20_000):
        budget = pace.budget(1)
        read += budget
        pace.observe(1, budget, 0.01 * budget + 0.001)
    assert read > 20


@pytest.mark.parametrize(("decoding", "chunk"), [(1, 3), (3, 1), (4, 4), (8, 4)])
def test_steps_carry_whole_tiles_of_rows(decoding: int, chunk: int) -> None:
    pace = PrefillPace(2.0, largest=64)
    pace.observe(decoding, 0, 0.01)
    pace.observe(0, 100, 1.0)
    assert pace.budget(decoding) == chunk


def test_the_largest_chunk_is_never_exceeded() -> None:
    pace = PrefillPace(2.0, largest=64)
    pace.observe(1, 0, 1.0)
    pace.observe(1, 16, 1.0)
    assert pace.budget(1) == 64


def test_without_measurements_the_first_guess_is_small() -> None:
    assert PrefillPace(2.0, largest=256).budget(1) == 16
    assert PrefillPace(2.0, largest=4).budget(1) == 4


def test_a_number_of_answers_never_seen_is_taken_for_its_neighbour() -> None:
    pace = PrefillPace(2.0, largest=256)
    pace.observe(8, 0, 0.08)
    pace.observe(0, 512, 5.12)
    # the step before took half of what it might have
    assert (pace.budget(7), pace.budget(8)) == (13, 16)
