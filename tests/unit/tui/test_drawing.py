from __future__ import annotations

import pytest

from llmd.tui import drawing


def test_a_sparkline_stands_at_the_right_and_shows_what_little_there_is() -> None:
    assert drawing.spark([1, None, 0, 0.001, 8], 7) == ["  ▁  ▁█"]
    assert drawing.spark([9, 8, 4], 2) == ["█▄"]
    assert drawing.spark([], 3) == ["   "]
    assert drawing.spark([0, None], 2) == ["  "]
    assert drawing.spark([1], 0) == [""]


def test_a_sparkline_may_have_several_lines_and_a_scale() -> None:
    assert drawing.spark([2, 4], 2, height=2) == [" █", "██"]
    assert drawing.spark([50], 1, top=100) == ["▄"]


def test_a_bar_has_its_width_whatever_it_shows() -> None:
    assert drawing.bar(0.5, 4).plain == "██░░"
    assert drawing.bar(0.3, 4).plain == "█▎░░"
    assert drawing.bar(0.0001, 4).plain == "▏░░░"
    assert drawing.bar(7, 2).plain == "██"
    assert drawing.bar(0, 2).plain == "░░"
    assert drawing.bar(0.5, 0).plain == ""


@pytest.mark.parametrize(
    ("share", "style"), [(0.1, "$success"), (0.8, "$warning"), (0.95, "$error")]
)
def test_what_should_not_be_full_warns(share: float, style: str) -> None:
    assert drawing.strain(share) == style


def test_parts_of_a_bar_have_a_cell_each_while_there_are_enough() -> None:
    drawn = drawing.stacked([(1, "red"), (500, "green"), (0, "blue")], 1000, 10)
    assert drawn.plain == "█████░░░░░"
    assert [(span.end - span.start, span.style) for span in drawn.spans][:2] == [
        (1, "red"),
        (4, "green"),
    ]
    assert drawing.stacked([(1, "red")] * 5, 2, 3).plain == "███"
    assert drawing.stacked([(1, "red")], 0, 3).plain == "░░░"


def test_text_is_cut_or_padded_by_cells() -> None:
    assert drawing.fitted("abc", 5).plain == "abc  "
    assert drawing.fitted("张伟在这里", 7).plain == "张伟在…"
    assert drawing.fitted("张伟在这里", 6).cell_length == 6
