from __future__ import annotations

import pytest

from llmd.cli.columns import Column, Layout, arranged, named

_COLUMNS = named(
    ("NAME", Column("SIZE", 3), "LICENSE", Column("HERE", 1), Column("DESCRIPTION", 2, text=True))
)
_WIDTHS = [20, 7, 10, 4, 60]


def test_what_fits_is_shown_whole_and_without_a_limit_all_of_it() -> None:
    whole = Layout({0: 20, 1: 7, 2: 10, 3: 4, 4: 60}, gap=3)
    assert arranged(_COLUMNS, _WIDTHS, None) == whole
    assert arranged(_COLUMNS, _WIDTHS, 113) == whole


def test_columns_come_nearer_and_texts_are_cut_before_one_is_left_out() -> None:
    assert arranged(_COLUMNS, _WIDTHS, 109) == Layout({0: 20, 1: 7, 2: 10, 3: 4, 4: 60}, gap=2)
    assert arranged(_COLUMNS, _WIDTHS, 80) == Layout({0: 20, 1: 7, 2: 10, 3: 4, 4: 31}, gap=2)


@pytest.mark.parametrize(
    ("room", "shown"),
    [(69, [0, 1, 2, 3, 4]), (68, [0, 1, 3, 4]), (55, [0, 1, 4]), (50, [0, 1]), (28, [0])],
)
def test_the_lowest_ranks_are_left_out_first(room: int, shown: list[int]) -> None:
    layout = arranged(_COLUMNS, _WIDTHS, room)
    assert list(layout.widths) == shown
    assert sum(layout.widths.values()) + layout.gap * (len(shown) - 1) <= room


def test_the_first_column_stays_whole_in_whatever_room() -> None:
    assert arranged(_COLUMNS, _WIDTHS, 10).widths == {0: 20}


def test_no_column_is_narrower_than_its_heading() -> None:
    columns = named(("N", Column("A LONG HEADING FOR A TEXT", text=True)))
    assert arranged(columns, [1, 90], 28).widths == {0: 1, 1: 25}
    assert arranged(columns, [1, 90], 27).widths == {0: 1}


def test_columns_in_which_nothing_stands_go_before_all_others() -> None:
    columns = named(("NAME", Column("DRAFTS", 9), "STATE"))
    assert list(arranged(columns, [10, 0, 7], 22).widths) == [0, 2]
