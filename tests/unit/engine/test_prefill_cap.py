from __future__ import annotations

from llmd.engine.prefill_cap import PrefillCap

USUAL, LARGEST = 512, 768


class Machine:
    """Reads one long prompt: a call takes a fixed time, and some for each token."""

    def __init__(self, fixed: float, token: float) -> None:
        self.fixed, self.token = fixed, token
        self.cap = PrefillCap(USUAL)

    def read(self, calls: int, token: float | None = None) -> list[int]:
        self.token = token or self.token
        return [self._call(USUAL) for _ in range(calls)]

    def _call(self, wanted: int) -> int:
        tokens = self.cap.within(wanted)
        self.cap.observe(tokens, self.fixed + self.token * tokens)
        return tokens


def test_calls_of_a_slow_machine_are_cut_to_ten_seconds_once_one_took_longer() -> None:
    assert Machine(fixed=0.2, token=0.05).read(4) == [512, 192, 192, 192]


def test_a_very_slow_machine_reads_a_block_at_once_all_the_same() -> None:
    assert Machine(fixed=1, token=0.9).read(3) == [512, 64, 64]


def test_nothing_changes_for_a_machine_that_is_quick_enough() -> None:
    machine = Machine(fixed=0.1, token=0.012)
    assert machine.read(3) == [512] * 3
    assert machine.cap.within(LARGEST) == LARGEST
    assert machine.cap.within(10) == 10


def test_short_prompts_tell_nothing_about_calls_of_the_usual_length() -> None:
    cap = PrefillCap(USUAL)
    cap.observe(1, 1.0)  # all weights for one token
    cap.observe(100, 9.0)
    assert cap.within(LARGEST) == LARGEST


def test_calls_that_take_as_long_when_they_are_shorter_stay_long() -> None:
    # all weights come from the disk with each call
    assert Machine(fixed=80, token=0.001).read(5) == [512, 64, 512, 512, 512]


def test_the_cap_follows_a_prompt_whose_tokens_cost_more_and_more_and_a_new_one() -> None:
    machine = Machine(fixed=0, token=0.05)
    machine.read(2)
    for token in (0.06, 0.08, 0.1, 0.15):
        machine.read(5, token)
    assert machine.read(1, 0.15)[0] * 0.15 < 15
    machine.read(2, 0.05)
    assert machine.read(1) == [192]
    machine.read(2, 0.01)
    assert machine.read(1) == [512]
