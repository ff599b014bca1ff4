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
    assert 1 + 0.55 * (slowdown - 1) <= ratio <= 1 + 0.85 * (slowdown - 1)
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
    # the step before took less than it might have, and rows fill whole tiles
    assert (pace.budget(7), pace.budget(8)) == (9, 8)


class Deep:
    """A machine whose prompt tokens cost more the more lie before them, less so in blocks."""

    plain = 0.01

    def __init__(self, few: float, block: float) -> None:
        self.few, self.block = few, block

    def seconds(self, decoding: int, prompt: int, depth: int) -> float:
        slope = self.block if decoding + prompt >= 64 else self.few
        return self.plain + prompt * (0.001 + slope * depth)

    def read(self, pace: PrefillPace, length: int) -> tuple[list[int], list[float]]:
        """Read a prompt beside one answer; return the tokens and the seconds of each step."""
        pace.observe(1, 0, self.plain)
        chunks: list[int] = []
        took: list[float] = []
        while (depth := sum(chunks)) < length:
            chunks.append(min(length - depth, pace.budget(1, depth)))
            took.append(self.seconds(1, chunks[-1], depth))
            pace.observe(1, chunks[-1], took[-1], depth)
        return chunks, took


def test_deep_in_a_prompt_blocks_are_read_where_they_are_cheaper() -> None:
    machine, pace = Deep(few=4e-6, block=1e-6), PrefillPace(2.0, largest=256)
    chunks, took = machine.read(pace, 4000)
    assert chunks.count(63) > 25
    assert 1.6 < sum(took) / len(took) / machine.plain <= 2.0
    assert max(took) <= 0.55
    slower, _ = Deep(few=4e-6, block=4e-6).read(PrefillPace(2.0, largest=256), 4000)
    assert len(chunks) < 0.6 * len(slower)


def test_blocks_are_tried_once_in_a_while_where_they_gain_nothing() -> None:
    chunks, _ = Deep(few=1e-6, block=1e-6).read(PrefillPace(2.0, largest=256), 8000)
    assert 1 <= chunks.count(63) <= 60
    assert 63 * chunks.count(63) < sum(chunks) / 2


def test_no_answer_pauses_for_a_block_that_takes_long() -> None:
    machine = Deep(few=8e-5, block=2e-5)
    chunks, took = machine.read(PrefillPace(2.0, largest=256), 2000)
    # 63 tokens after 400 others take half a second
    assert sum(chunks[: len(chunks) - chunks[::-1].index(63)]) < 1000
    assert max(took) < 0.8


def test_chunks_stay_below_the_largest_even_where_blocks_would_gain() -> None:
    chunks, _ = Deep(few=4e-6, block=1e-6).read(PrefillPace(2.0, largest=48), 3000)
    assert max(chunks) <= 48
