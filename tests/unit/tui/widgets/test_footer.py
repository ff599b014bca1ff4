from __future__ import annotations

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input

from llmd.tui.widgets.footer import Key, KeyLine, places


def keys(*words: str) -> list[Key]:
    return [Key(word[0], word, word[0]) for word in words]


def test_keys_stand_apart_while_there_is_room_and_closer_where_there_is_little() -> None:
    line = keys("one", "two", "six")
    assert [place.start for place in places(line, 80)] == [0, 7, 14]
    assert [place.start for place in places(line, 19)] == [0, 7, 14]
    assert [place.start for place in places(line, 18)] == [0, 6, 12]


def test_keys_that_find_no_room_are_left_out_whole() -> None:
    assert [place.key.does for place in places(keys("one", "two", "six"), 16)] == ["one", "two"]
    assert places(keys("one"), 4) == []
    assert places([], 80) == []


def test_wide_characters_take_two_cells() -> None:
    first, second = places([Key("x", "取消", "x"), Key("q", "quit", "q")], 80)
    assert (first.end, second.start) == (6, 8)


class Shown(App[None]):
    AUTO_FOCUS = None
    BINDINGS = [  # noqa: RUF012  as Textual has it
        Binding("x", "cancel", "Cancel request"),
        Binding("y", "cancel", "Cancel too"),
        Binding("z", "never", "Never"),
        Binding("h", "hidden", "Hidden", show=False),
    ]
    cancelled = 0

    def compose(self) -> ComposeResult:
        yield KeyLine()
        yield Input()

    def action_cancel(self) -> None:
        self.cancelled += 1

    def action_never(self) -> None:
        raise AssertionError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "never" else super().check_action(action, parameters)


def line(app: Shown) -> str:
    return str(app.query_one(KeyLine).render())


def styles(footer: KeyLine) -> str:
    shown = footer.render()
    assert isinstance(shown, Content)
    return str([span.style for span in shown.spans])


async def test_keys_are_buttons_in_one_line_with_the_palette_at_the_right() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        shown = line(app)
        assert app.query_one(KeyLine).size.height == 1
        assert shown.startswith("x Cancel request  z Never ")
        assert shown.endswith("▏^p palette")
        assert len(shown) == 60
        for column in (3, 17, 21):  # the key, between two, one that may not be pressed
            await pilot.click(KeyLine, offset=(column, 0))
        await pilot.pause()
        assert app.cancelled == 1
        await pilot.click(KeyLine, offset=(55, 0))
        await pilot.pause()
        assert app.screen_stack[-1] is not app.screen_stack[0], "the palette has opened"


async def test_what_the_mouse_is_over_is_marked() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        footer = app.query_one(KeyLine)
        assert "$block-hover-background" not in styles(footer)
        for column in (3, 55):
            await pilot.hover(KeyLine, offset=(column, 0))
            await pilot.pause()
            assert "$block-hover-background" in styles(footer)
        await pilot.hover(Input)
        await pilot.pause()
        assert "$block-hover-background" not in styles(footer)


async def test_the_line_follows_the_focus_and_the_width() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(30, 10)
        await pilot.pause()
        assert line(app).split() == ["x", "Cancel", "request", "▏^p", "palette"]
        app.query_one(Input).focus()
        await pilot.pause()
        assert line(app).split() == ["▏^p", "palette"], "x is a letter there"
