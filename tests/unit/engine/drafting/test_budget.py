from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.drafting.budget import Budget, StepCost, Wish
from tests.unit.engine.drafting.simulation import flat, serial, tiled


def measured(cost: Callable[[int], float], most: int = 48) -> Budget:
    budget = Budget(most)
    for rows in [*range(1, 97), *range(1, 97)]:
        budget.cost.observe(rows, cost(rows))
    return budget


SURE = Wish([1.0] * 32)
HALF = Wish([0.5**place for place in range(1, 33)])


def test_the_plain_step_is_measured_before_anything_is_drafted() -> None:
    budget = Budget(48)
    assert budget.allot([SURE], 1, 1) == [0]
    budget.cost.observe(1, 0.01)
    assert budget.allot([SURE], 1, 1) != [0]


def test_a_cheap_number_of_rows_is_chosen_where_kernels_work_in_tiles() -> None:
    budget = measured(tiled)
    assert [length + 1 for length in budget.allot([HALF], 1, 1)] == [4]
    assert [length + 1 for length in budget.allot([SURE], 1, 1)] == [32]


def test_nothing_is_drafted_where_every_row_costs_the_same() -> None:
    budget = measured(serial)
    assert budget.allot([SURE], 1, 1) == [0]
    assert not budget.opens(1, 1, 32)


def test_long_drafts_are_checked_where_rows_are_nearly_free() -> None:
    assert measured(flat).allot([HALF], 1, 1)[0] >= 5
    assert measured(flat).opens(1, 1, 32)


def test_likelier_drafts_go_first_and_all_together_stay_within_the_limit() -> None:
    weak = Wish([0.9**place for place in range(1, 33)])
    lengths = measured(flat, most=40).allot([weak, SURE], 2, 2)
    assert lengths[1] == 32
    assert 0 < lengths[0] <= 8


def test_a_full_batch_gets_fewer_drafted_rows_for_each_sequence() -> None:
    def saturating(rows: int) -> float:
        return max(10.0, rows)

    budget = measured(saturating)
    alone = budget.allot([HALF], 1, 1)[0]
    crowded = budget.allot([HALF] * 16, 16, 16)
    assert alone >= 5
    assert max(crowded) == 0


def test_streams_without_a_draft_are_not_slowed_down_much_by_those_of_others() -> None:
    budget = measured(tiled)
    alone = budget.allot([SURE], 1, 2)[0]
    beside = budget.allot([SURE], 2, 2)[0]
    assert beside < alone
    assert tiled(2 + beside) <= 1.5 * tiled(2)


def test_a_token_that_is_dear_to_draft_is_drafted_less() -> None:
    budget = measured(flat)
    dear = Wish(HALF.chances, price=flat(1) / 4)
    assert 0 < budget.allot([dear], 1, 1)[0] < budget.allot([HALF], 1, 1)[0]


def test_a_prompt_in_the_same_call_does_not_stop_drafts() -> None:
    budget = Budget(48)
    budget.cost.observe(1, 10)
    budget.cost.observe(256, 600)
    assert budget.allot([SURE], 1, 257)[0] > 8


@given(
    st.lists(st.lists(st.floats(0, 1), max_size=40), min_size=1, max_size=5),
    st.dictionaries(st.integers(1, 96), st.floats(1e-4, 10), max_size=20),
    st.integers(1, 64),
)
def test_an_allotment_is_never_longer_than_the_draft_or_the_limit(
    chances: list[list[float]], seconds: dict[int, float], most: int
) -> None:
    budget = Budget(most)
    for rows, cost in seconds.items():
        budget.cost.observe(rows, cost)
    wishes = [Wish(sorted(curve, reverse=True)) for curve in chances]
    lengths = budget.allot(wishes, len(wishes), len(wishes))
    assert all(0 <= n <= len(wish.chances) for n, wish in zip(lengths, wishes, strict=True))
    assert sum(lengths) <= most


def twice(cost: StepCost, rows: int, seconds: float) -> None:
    cost.observe(rows, seconds)
    cost.observe(rows, seconds)


def test_unknown_row_counts_look_cheap_until_larger_ones_are_known() -> None:
    cost = StepCost()
    assert cost.estimate(4) == 0
    twice(cost, 2, 1.0)
    assert cost.estimate(1) == 0
    assert 1.0 < cost.estimate(4) < 1.1
    twice(cost, 6, 1.8)
    assert cost.estimate(6) == 1.8
    assert cost.estimate(3) == pytest.approx(1.2)
    assert cost.estimate(5) == pytest.approx(1.6)


def test_whole_tiles_are_hoped_to_be_cheaper_than_their_neighbours() -> None:
    cost = StepCost()
    twice(cost, 2, 1.0)
    assert cost.estimate(8) < cost.estimate(7)
    twice(cost, 6, 1.8)
    assert cost.estimate(4) == pytest.approx(0.8 * 1.4)
    twice(cost, 4, 2.0)
    assert cost.estimate(4) == 2.0
    assert cost.estimate(3) == pytest.approx(1.5)


def test_the_first_call_of_a_size_is_not_the_last_word_about_it() -> None:
    cost = StepCost()
    cost.observe(1, 1.0)
    cost.observe(16, 10.0)
    assert cost.estimate(16) == pytest.approx(8.0)
    cost.observe(16, 6.0)
    assert cost.estimate(16) == 6.0


def test_what_a_plain_step_takes_is_believed_at_once() -> None:
    cost = StepCost()
    cost.observe(8, 2.0)
    assert cost.estimate(8) == 2.0


def test_a_hiccup_is_forgotten_with_time() -> None:
    cost = StepCost()
    cost.observe(8, 50.0)
    for _ in range(5000):
        cost.observe(1, 1.0)
    assert cost.estimate(8) < 25


def test_a_slower_measurement_is_believed_slowly_and_a_quicker_one_at_once() -> None:
    cost = StepCost()
    twice(cost, 1, 1.0)
    cost.observe(1, 1.4)
    assert cost.estimate(1) == pytest.approx(1.06)
    cost.observe(1, 0.06)
    assert cost.estimate(1) == pytest.approx(0.56)


def test_a_spike_counts_as_a_little_slower() -> None:
    cost = StepCost()
    twice(cost, 1, 1.0)
    cost.observe(1, 1000.0)
    assert cost.estimate(1) == pytest.approx(1.075)
    for _ in range(40):
        cost.observe(1, 3.0)
    assert cost.estimate(1) == pytest.approx(3.0, rel=0.05)
