from __future__ import annotations

import pytest
from rich.cells import cell_len

from llmd.tui.cells import Column, Line, Tone, bar, fitted, line, said, told, wrapped

COLUMNS = (
    Column(name="mark"),
    Column(name="name", flexible=True, least=10),
    Column(name="size"),
    Column(name="licence", rank=2),
    Column(name="fits", rank=1),
)
NEEDED = [1, 20, 6, 12, 4]


def shown(room: int) -> dict[str, int]:
    return {COLUMNS[place].name: width for place, width in fitted(COLUMNS, NEEDED, room)}


def test_all_columns_show_where_there_is_room() -> None:
    assert shown(100) == {"mark": 1, "name": 20, "size": 6, "licence": 12, "fits": 4}


def test_the_flexible_column_is_cut_before_others_go() -> None:
    assert shown(45) == {"mark": 1, "name": 12, "size": 6, "licence": 12, "fits": 4}


def test_columns_of_the_highest_rank_go_first_and_leave_their_room() -> None:
    assert shown(38) == {"mark": 1, "name": 19, "size": 6, "fits": 4}
    assert shown(24) == {"mark": 1, "name": 11, "size": 6}


def test_columns_without_a_rank_stay_in_any_width() -> None:
    assert set(shown(5)) == {"mark", "name", "size"}
    assert all(width >= 1 for width in shown(5).values())


@pytest.mark.parametrize("room", range(24, 120))
def test_rows_never_are_wider_than_their_room(room: int) -> None:
    assert sum(width + 2 for width in shown(room).values()) <= room


def test_texts_break_between_words_and_long_words_anywhere() -> None:
    assert wrapped("one two three", 9) == ["one two", "three"]
    assert wrapped("/a/very/long/path/of/a/file", 10) == ["/a/very/lo", "ng/path/of", "/a/file"]
    assert wrapped("short", 10) == ["short"]


def test_wide_letters_count_twice() -> None:
    lines = wrapped("中文句子没有空格所以随处断开", 9)
    assert "".join(lines) == "中文句子没有空格所以随处断开"
    assert max(cell_len(part) for part in lines) <= 9


def test_a_text_in_no_room_at_all_is_left_alone() -> None:
    assert wrapped("one two three", 0) == ["one two three"]


def test_lines_that_say_nothing_are_left_out_and_headings_stay() -> None:
    lines = [line("empty", ""), Line("Heading"), said("words", Tone.BAD), line("a", "b")]
    assert told(lines) == lines[1:]


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0.0, "────"), (0.5, "━━──"), (0.625, "━━╸─"), (1.0, "━━━━"), (7.0, "━━━━"), (-1.0, "────")],
)
def test_bars_are_drawn_in_halves_of_a_cell(share: float, drawn: str) -> None:
    assert "".join(cell.text for cell in bar(share, 4)) == drawn
