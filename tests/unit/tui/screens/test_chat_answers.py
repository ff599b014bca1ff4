from __future__ import annotations

from pathlib import Path

import msgspec

from llmd.errors import ContextOverflow, DaemonUnreachable
from llmd.protocol.reports import RequestList, RequestState
from llmd.tui.chat.turns import TurnState
from tests.fakes.chat_daemon import ChatDaemon, chunk
from tests.fakes.chat_page import opened
from tests.fakes.snapshots import EMPTY, request


async def test_stopping_keeps_what_came(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [chunk("Half of"), None]
        await room.type("Hi")
        await room.until(lambda: room.shown() == ["Hi", "Half of"])
        await room.pilot.press("escape")
        await room.settled()
        assert room.kept() == ["Hi", "Half of"]
        assert room.page.talk.turns[-1].state is TurnState.STOPPED


async def test_an_answer_is_asked_for_again_in_its_place(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        room.daemon.script = [chunk("Another.")]
        await room.pilot.press("ctrl+r")
        await room.until(lambda: room.shown() == ["Hi", "Another."])
        await room.settled()
        assert room.kept() == ["Hi", "Another."]


async def test_an_earlier_answer_is_asked_for_again_beside_the_talk(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.ask("More")
        before = room.page.talk
        room.page.answers.again(before.turns[1])
        await room.until(lambda: room.page.talk is not before)
        await room.settled()
        assert room.shown() == ["Hi", "An answer."] == room.kept()
        assert len(room.daemon.said(before.session)) == 4


async def test_an_earlier_question_is_changed_beside_the_talk(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.ask("More")
        before = room.page.talk
        room.page.edit(before.turns[0])
        await room.type("Hello")
        await room.until(lambda: room.page.talk is not before)
        await room.settled()
        assert room.kept() == ["Hello", "An answer."]
        assert len(room.daemon.said(before.session)) == 4


async def test_a_refused_question_is_asked_again_or_left_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [ContextOverflow("It does not fit.", hint="Ask less.")]
        await room.type("Too long")
        await room.until(lambda: room.page.talk.turns[-1].state is TurnState.FAILED)
        await room.ask("Short")
        assert [m["content"] for m in room.daemon.asked[1]["messages"]] == ["Short"]
        assert room.kept() == ["Short", "An answer."]
        room.page.answers.again(room.page.talk.turns[0])
        assert room.page.composer.text == "Too long"


async def test_an_answer_goes_on_while_another_talk_is_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [chunk("Slow"), None, chunk(" but sure.")]
        await room.type("Hi")
        first = room.page.talk
        await room.until(lambda: first.turns[-1].text)
        await room.pilot.press("ctrl+n")
        await room.until(lambda: room.page.talk is not first)
        room.daemon.go.set()
        await room.until(lambda: first.turns[-1].kept)
        assert [text for _, text in room.daemon.said(first.session)] == ["Hi", "Slow but sure."]
        assert room.page.talk.turns == []


async def test_the_place_in_the_line_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [None]
        await room.type("Hi")
        await room.until(lambda: room.daemon.traces)
        mine = request(1, RequestState.QUEUED, trace=room.daemon.traces[0], position=2)
        room.app.arrived(msgspec.structs.replace(EMPTY, requests=RequestList([mine], [])))
        foot = room.page.transcript.said(room.page.talk.turns[-1])
        assert foot
        await room.until(
            lambda: foot.query(".foot") and "2 ahead" in str(foot.query_one(".foot").content)
        )
        room.daemon.go.set()
        await room.until(lambda: not room.page.talk.answer)


async def test_what_could_not_be_kept_is_kept_when_the_daemon_is_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [chunk("Half"), None, DaemonUnreachable("It ended.")]
        await room.type("Hi")
        await room.until(lambda: room.daemon.traces)
        room.daemon.down = True
        room.daemon.go.set()
        await room.until(lambda: room.page.desk.waiting)
        room.daemon.down = False
        room.app.arrived(EMPTY)
        await room.settled()
        assert room.kept() == ["Hi", "Half"]


async def test_results_of_tools_are_typed_one_by_one(tmp_path: Path) -> None:
    calls = [
        {"index": n, "id": name, "function": {"name": name, "arguments": "{}"}}
        for n, name in enumerate(("add", "now"))
    ]
    daemon = ChatDaemon()
    daemon.script = [{"choices": [{"delta": {"tool_calls": calls}}]}]
    async with opened(tmp_path, daemon) as room:
        await room.ask("Add, and what time is it?")
        assert room.page.composer.border_title == "Result of add"
        await room.type("3")
        assert len(daemon.asked) == 1
        await room.ask("noon")
        assert [m["role"] for m in daemon.asked[1]["messages"]] == [
            "user",
            "assistant",
            "tool",
            "tool",
        ]
        assert room.kept() == ["Add, and what time is it?", "", "3", "noon", "An answer."]


async def test_what_came_is_kept_when_the_program_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.daemon.script = [chunk("Half"), None]
        await room.type("Hi")
        await room.until(lambda: room.page.talk.turns[-1].text)
        talk, daemon = room.page.talk, room.daemon
        room.app.exit()
    assert [text for _, text in daemon.said(talk.session)] == ["Hi", "Half"]
    assert daemon.messages[talk.session][1]["metadata_info"]["partial"] is True
