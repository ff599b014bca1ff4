from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList

from llmd.tui.chat.rows import SessionRow
from llmd.tui.widgets.session_list import SessionList

ROWS = [SessionRow(str(n), f"Title {n}", "2h00", shown=n == 1, busy=n == 2) for n in range(3)]


class Room(App[None]):
    """A list, and what was wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[tuple[str, str]] = []
        self.words: list[str] = []

    def compose(self) -> ComposeResult:
        yield SessionList()

    def on_session_list_wish(self, event: SessionList.Wish) -> None:
        if event.what != "more":
            self.wishes.append((event.what, event.row.key if event.row else ""))

    def on_session_list_searched(self, event: SessionList.Searched) -> None:
        self.words.append(event.words)


async def test_rows_are_opened_renamed_and_deleted() -> None:
    app = Room()
    async with app.run_test() as pilot:
        listed = app.query_one(SessionList)
        listed.fill(ROWS)
        assert app.query_one(OptionList).highlighted == 1
        listed.enter()
        await pilot.press("enter", "k", "r", "j", "j", "d", "delete", "n")
        assert app.wishes == [
            ("open", "1"),
            ("rename", "0"),
            ("delete", "2"),
            ("delete", "2"),
            ("new", "2"),
        ]


async def test_the_cursor_stays_on_its_conversation() -> None:
    app = Room()
    async with app.run_test() as pilot:
        listed = app.query_one(SessionList)
        listed.fill(ROWS)
        listed.enter()
        await pilot.press("down")
        listed.fill([SessionRow("9", "New", "", shown=False, busy=False), *ROWS])
        assert app.query_one(OptionList).highlighted == 3
        listed.fill([])
        await pilot.press("r", "n")
        assert app.wishes == [("new", "")]


async def test_words_are_searched_once_nobody_types() -> None:
    app = Room()
    async with app.run_test() as pilot:
        app.query_one(SessionList).enter()
        await pilot.press("slash", *"abc")
        await pilot.pause(0.5)
        assert app.words == ["abc"]
        await pilot.press("enter")
        assert app.query_one(OptionList).has_focus
        assert not app.query_one(Input).has_focus
