from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from llmd.errors import DaemonUnreachable
from llmd.tui.chat.turns import TurnState
from llmd.tui.dialogs.chat_options import ChatOptions
from llmd.tui.widgets.said import Said
from llmd.tui.widgets.session_list import SessionList
from tests.fakes.chat_daemon import ChatDaemon
from tests.fakes.chat_page import opened
from tests.fakes.snapshots import EMPTY


async def test_what_is_typed_is_answered_and_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi\n你好")
        assert room.shown() == ["Hi\n你好", "An answer."] == room.kept()
        assert room.page.composer.text == ""
        assert room.page.composer.border_title == "tiny"


async def test_what_is_typed_stays_when_it_cannot_be_sent_yet(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [None]
        await room.type("Hi")
        await room.type("too early")
        assert room.page.composer.text == "too early"
        assert room.page.composer.border_subtitle == "esc stops"
        room.daemon.go.set()
        await room.until(lambda: not room.page.talk.answer)
        assert room.page.composer.text == "too early"


async def test_drafts_wait_in_their_talks(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.pilot.press(*"draft")
        await room.pilot.press("ctrl+n")
        await room.until(lambda: room.page.composer.text == "")
        assert room.page.talk.turns == []
        await room.page.show_talk(await room.page.desk.open(room.page.desk.talks[0].session))
        assert room.page.composer.text == "draft"


async def test_escape_goes_from_the_line_to_what_was_said_and_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        assert room.page.composer.has_focus
        await room.pilot.press("escape")
        assert isinstance(room.app.focused, Said)
        await room.pilot.press("k")
        assert room.app.focused.turn.text == "Hi"
        await room.pilot.press("escape")
        assert room.page.composer.has_focus


async def test_an_edit_puts_the_draft_aside(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.pilot.press(*"draft")
        await room.pilot.press("escape", "k", "e")
        assert room.page.composer.text == "Hi"
        await room.pilot.press("escape")
        assert room.page.composer.text == "draft"
        room.page.edit(None)
        await room.ask("Hello")
        assert room.shown() == ["Hello", "An answer."] == room.kept()
        assert room.page.composer.text == "draft"


async def test_options_count_from_the_next_answer_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.pilot.press("ctrl+o")
        await room.until(lambda: isinstance(room.app.screen, ChatOptions))
        dialog = room.app.screen
        dialog.query_one("#temperature").value = "0.5"
        dialog.query_one("#model").value = "eyes"
        dialog.query_one("#system").text = "Be kind."
        await room.pilot.press("ctrl+s")
        await room.until(lambda: room.shown()[-1:] == ["Be kind."])
        await room.ask("More")
        asked = room.daemon.asked[1]
        assert (asked["model"], asked["temperature"]) == ("eyes", 0.5)
        assert asked["messages"][0] == {"role": "system", "content": "Be kind."}
        assert room.page.composer.border_title == "eyes · temperature 0.5"


async def test_the_list_stands_aside_where_there_is_little_width(tmp_path: Path) -> None:
    async with opened(tmp_path, size=(80, 24)) as room:
        listed = room.page.query_one(SessionList)
        assert not listed.display
        await room.pilot.press("ctrl+b")
        assert listed.display
        assert listed.has_focus_within
        await room.pilot.press("ctrl+b")
        assert not listed.display
        assert room.page.composer.has_focus
    async with opened(tmp_path) as room:
        assert room.page.query_one(SessionList).display
        await room.pilot.press("ctrl+b")
        assert not room.page.query_one(SessionList).display


async def test_pictures_are_attached_where_the_model_sees(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 8)
    async with opened(tmp_path) as room:
        await room.pilot.press("ctrl+g")
        assert room.told() == ["tiny does not see pictures."]
        room.page.desk.choose(room.page.talk, "eyes")
        await room.pilot.press(*"draft")
        await room.pilot.press("ctrl+g")
        assert room.page.composer.text == "/image "
        await room.type(f"/image {path}")
        await room.until(lambda: room.page.talk.images)
        assert room.page.composer.text == "draft"
        await room.pilot.pause()
        assert "cat.png" in str(room.page.query_one("#attached", Static).content)
        await room.pilot.press("ctrl+u", "backspace")
        assert room.page.talk.images == []


@pytest.mark.parametrize(("what", "copied"), [("y", "Look:\n```\nx = 1\n```"), ("c", "x = 1")])
async def test_answers_and_their_code_are_copied(tmp_path: Path, what: str, copied: str) -> None:
    daemon = ChatDaemon()
    session = daemon.keep("Code", ("user", "Hi"), ("assistant", "Look:\n```\nx = 1\n```"))
    async with opened(tmp_path, daemon) as room:
        await room.page.show_talk(await room.page.desk.open(session))
        await room.pilot.press("escape", what)
        assert room.app.clipboard == copied


async def test_nothing_is_lost_while_the_daemon_is_away(tmp_path: Path) -> None:
    error = DaemonUnreachable("The daemon is not running.")
    async with opened(tmp_path) as room:
        room.daemon.down = True
        room.app.lost(error, 1)
        assert room.page.composer.border_subtitle == "ctrl+s starts the daemon"
        await room.type("Hi")
        await room.until(lambda: room.page.talk.turns[-1].state is TurnState.FAILED)
        await room.pilot.press(*"draft")
        room.daemon.down = False
        room.app.arrived(EMPTY)
        await room.pilot.press("ctrl+r")
        await room.settled()
        assert room.kept() == ["Hi", "An answer."]
        assert room.page.composer.text == "draft"
