from __future__ import annotations

from textual.app import App, ComposeResult

from llmd.tui.cells import Cell, Line, Tone, line, said
from llmd.tui.widgets.details import Details, content


def test_names_stand_in_a_column_and_long_texts_go_on_beside_it() -> None:
    lines = [Line("Heading"), line("a", "one two three four"), line("bcd", "x"), said("free text")]
    assert content(lines, 14).plain.split("\n") == [
        "Heading",
        "a    one two",
        "     three",
        "     four",
        "bcd  x",
        "free text",
    ]


def test_wide_names_count_twice() -> None:
    assert content([line("中文", "a"), line("abcd", "b")]).plain == "中文  a\nabcd  b"


def test_tones_become_colours_of_the_theme() -> None:
    drawn = content([Line("", (Cell("bad", Tone.BAD), Cell(" fine")))])
    assert drawn.plain == "bad fine"
    assert [str(span.style) for span in drawn.spans] == ["$text-error"]


async def test_lines_break_anew_when_the_width_changes() -> None:
    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield Details([said("one two three four five six")])

    app = Host()
    async with app.run_test(size=(40, 10)) as pilot:
        details = app.query_one(Details)
        assert details.size.height == 1
        await pilot.resize_terminal(14, 10)
        await pilot.pause()
        assert details.size.height == 2
        details.fill([said("[b]x[/b]")])
        await pilot.pause()
        assert details.size.height == 1
