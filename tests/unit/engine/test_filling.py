from __future__ import annotations

import pytest

from llmd.engine.bindings import Batch
from llmd.engine.filling import MOST, Filling
from llmd.engine.plan import Plan

FILLER = 7


def plenty(plan: Plan) -> int:
    del plan
    return 100


def run(filling: Filling, decoding: int, plain: float, filled: float, steps: int) -> list[int]:
    """Take steps that last so long plain and filled; return how they were filled."""
    added = []
    batch = Batch(64)
    for _ in range(steps):
        plan = Plan(decoding=decoding)
        added.append(filling.fill(batch, plan, decoding, plenty))
        filling.observe(plan, added[-1], filled if added[-1] else plain)
    return added


@pytest.mark.parametrize(
    ("decoding", "reading", "wanted"),
    [
        (1, 0, 0),  # one row alone is what kernels for single rows are made for
        (0, 1, 0),
        (4, 0, 0),
        (0, 75, 1),
        (0, 74, 2),
        (0, 73, 0),  # a single row left over costs no more than a tile
        (5, 250, 1),
        (19, 0, 1),
        (17, 0, 0),
    ],
)
def test_steps_with_many_rows_are_filled_by_rule(decoding: int, reading: int, wanted: int) -> None:
    assert Filling(FILLER).wanted(decoding, reading) == wanted <= MOST


def test_filling_goes_on_where_it_is_quicker() -> None:
    added = run(Filling(FILLER), 3, plain=0.021, filled=0.014, steps=60)
    assert added.count(0) < 6
    assert added[-1] == 1


def test_filling_ends_where_it_does_not_help() -> None:
    added = run(Filling(FILLER), 5, plain=0.019, filled=0.023, steps=60)
    assert sum(count > 0 for count in added) < 6
    assert added[-1] == 0


def test_the_other_way_is_tried_again_when_times_change() -> None:
    filling = Filling(FILLER)
    assert run(filling, 6, plain=0.02, filled=0.03, steps=20)[-1] == 0
    later = run(filling, 6, plain=0.03, filled=0.02, steps=400)
    assert later[-1] == 2


def test_filled_rows_are_a_sequence_of_their_own_with_outputs_where_all_have_some() -> None:
    batch = Batch(16)
    filling = Filling(FILLER)
    assert filling.fill(batch, Plan(decoding=2), 2, plenty) == 2
    assert batch.sequences[2:4].tolist() == [FILLER, FILLER]
    assert batch.positions[2:4].tolist() == [0, 1]
    assert batch.outputs[2:4].tolist() == [1, 1]
    assert filling.fill(batch, Plan(decoding=1, reading=9), 10, plenty) == 2
    assert batch.outputs[10:12].tolist() == [0, 0]


def test_nothing_is_filled_without_a_slot_or_room() -> None:
    batch = Batch(16)
    assert Filling(-1).fill(batch, Plan(decoding=3), 3, plenty) == 0
    assert Filling(FILLER).fill(batch, Plan(decoding=2), 2, lambda _: 1) == 0
