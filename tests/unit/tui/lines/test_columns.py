from __future__ import annotations

from functools import partial

import pytest
from textual.content import Content

from llmd.tui.drawing import bar
from llmd.tui.lines.columns import TWO_COLUMNS, joined, meter, side_by_side


@pytest.mark.parametrize("width", [21, 30, 80, 200])
def test_a_meter_is_as_wide_as_it_is_told(width: int) -> None:
    line = meter("cpu", "63% of 16", lambda cells: bar(0.5, cells), width)
    assert line.cell_length == width
    assert line.plain.startswith("cpu     63% of 16")


def test_meters_stand_in_two_columns_where_there_is_room() -> None:
    meters = [partial(meter, name, "1", partial(bar, 0.5)) for name in ("a", "b", "c")]
    wide = side_by_side(meters, TWO_COLUMNS)
    assert len(wide) == 2
    assert wide[0].cell_length == TWO_COLUMNS
    assert wide[0].plain.split()[::3] == ["a", "b"]
    assert len(side_by_side(meters, TWO_COLUMNS - 1)) == 3


def test_only_what_says_something_is_joined() -> None:
    assert joined(["a", "", Content("b"), Content()]).plain == "a · b"
