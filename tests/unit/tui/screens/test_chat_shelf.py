from __future__ import annotations

from pathlib import Path

from textual.widgets import Input, OptionList

from llmd.tui.chat import keeping
from llmd.tui.widgets.session_list import SessionList
from tests.fakes.chat_daemon import ChatDaemon, chunk
from tests.fakes.chat_page import Room, opened


def titles(room: Room) -> list[str]:
    return [row.title.strip() for row in room.page.query_one(SessionList)._rows]


async def into_the_list(room: Room) -> None:
    room.page.query_one(SessionList).enter()
    await room.pilot.pause()


async def test_sessions_are_listed_and_opened(tmp_path: Path) -> None:
    daemon = ChatDaemon()
    for name in ("One", "Two", "Three"):
        daemon.keep(name, ("user", f"in {name}"), ("assistant", "yes"))
    async with opened(tmp_path, daemon) as room:
        assert titles(room) == ["Three", "Two", "One"]
        await into_the_list(room)
        await room.pilot.press("down", "j", "enter")
        await room.until(lambda: room.shown() == ["in Two", "yes"])
        await room.ask("More")
        assert room.kept() == ["in Two", "yes", "More", "An answer."]


async def test_sessions_are_searched(tmp_path: Path) -> None:
    daemon = ChatDaemon()
    daemon.keep("工作")
    daemon.keep("Plans")
    async with opened(tmp_path, daemon) as room:
        await into_the_list(room)
        await room.pilot.press("slash")
        room.page.query_one("#session-search", Input).value = "工"
        await room.until(lambda: titles(room) == ["工作"])
        await room.pilot.press("enter")
        assert room.page.query_one(OptionList).has_focus


async def test_long_lists_go_on_at_their_end(tmp_path: Path) -> None:
    daemon = ChatDaemon()
    for number in range(keeping.LISTED + 5):
        daemon.keep(f"Number {number}")
    async with opened(tmp_path, daemon) as room:
        assert len(titles(room)) == keeping.LISTED
        await into_the_list(room)
        await room.pilot.press("end")
        await room.until(lambda: len(titles(room)) == keeping.LISTED + 5)


async def test_a_session_is_renamed(tmp_path: Path) -> None:
    daemon = ChatDaemon()
    daemon.keep("One")
    async with opened(tmp_path, daemon) as room:
        await into_the_list(room)
        await room.pilot.press("down", "r")
        room.app.screen.query_one("#text", Input).value = "Uno"
        await room.pilot.press("enter")
        await room.until(lambda: titles(room) == ["Uno"])


async def test_a_session_is_deleted_once_somebody_said_yes(tmp_path: Path) -> None:
    daemon = ChatDaemon()
    daemon.keep("One")
    async with opened(tmp_path, daemon) as room:
        await into_the_list(room)
        await room.pilot.press("down", "d", "n")
        assert len(daemon.sessions) == 1
        await room.pilot.press("d", "y")
        await room.until(lambda: titles(room) == [])
        assert daemon.sessions == {}


async def test_what_is_not_kept_yet_is_listed_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [None]
        await room.type("Slow one")
        assert titles(room) == ["Slow one"]
        await room.pilot.press("ctrl+n")
        await room.until(lambda: room.page.talk.turns == [])
        await into_the_list(room)
        await room.pilot.press("r")
        await room.pilot.press("down", "enter")
        await room.until(lambda: room.shown()[:1] == ["Slow one"])
        room.daemon.go.set()
        await room.until(lambda: not room.page.talk.answer)


async def test_a_session_that_is_gone_is_told(tmp_path: Path) -> None:
    daemon = ChatDaemon()
    session = daemon.keep("One")
    async with opened(tmp_path, daemon) as room:
        del daemon.sessions[session]
        await into_the_list(room)
        await room.pilot.press("down", "enter")
        await room.until(room.told)
        assert "There is no session" in room.told()[0]


async def test_deleting_a_talk_ends_its_answer_for_good(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        room.daemon.script = [chunk("Half"), None]
        await room.type("More")
        await room.until(lambda: room.shown()[-1:] == ["Half"])
        await room.type("/delete")
        await room.pilot.press("y")
        await room.until(lambda: room.daemon.sessions == {})
        await room.until(lambda: room.shown() == [])
        room.daemon.go.set()
        await room.pilot.pause(0.1)
        assert room.daemon.sessions == {}
