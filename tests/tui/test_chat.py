"""The chat page with a real daemon and its built-in model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from llmd.config.paths import Paths
from llmd.tui.app import LlmdApp
from llmd.tui.chat.turns import TurnState
from llmd.tui.screens.chat import ChatPage
from tests.integration.conftest import Daemon, MakeDaemon
from tests.tui.conftest import paths_of, until


@asynccontextmanager
async def opened(paths: Paths) -> AsyncIterator[tuple[Pilot[None], ChatPage]]:
    """Open the page; it follows the daemon."""
    app = LlmdApp(paths, page="chat")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.page, ChatPage) and app.page.is_mounted)
        page = app.page
        assert isinstance(page, ChatPage)
        await until(pilot, lambda: page.desk.models)
        yield pilot, page


async def say(pilot: Pilot[None], page: ChatPage, text: str) -> None:
    page.composer.put(text)
    await pilot.press("enter")


async def kept(pilot: Pilot[None], page: ChatPage) -> None:
    talk = page.talk
    await until(pilot, lambda: talk.turns and not talk.answer and talk.turns[-1].kept)


def said(daemon: Daemon, session: str) -> list[str]:
    found = daemon.call("GET", f"/control/sessions/{session}/history")["history"]
    return [line["content"] for line in found]


async def test_a_conversation_from_first_word_to_last(daemon: Daemon, paths: Paths) -> None:
    async with opened(paths) as (pilot, page):
        await say(pilot, page, "/options")
        await pilot.pause()
        await pilot.press("escape")
        page.set_system("You are terse.")
        await say(pilot, page, "What is the capital of France?")
        await kept(pilot, page)
        answer = page.talk.turns[-1]
        assert "Paris" in answer.text
        assert answer.usage["timings"]["decode_seconds"] >= 0
        assert (answer.first_token or 0) > 0
        await say(pilot, page, "你好")
        await kept(pilot, page)
        session = page.talk.session
        assert said(daemon, session)[:2] == ["You are terse.", "What is the capital of France?"]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: page.talk.turns[-1] is not answer)
        await kept(pilot, page)
        page.edit(None)
        await say(pilot, page, "What is the capital of Italy?")
        await until(pilot, lambda: page.talk.turns[-2].text.endswith("Italy?"))
        await kept(pilot, page)
        assert said(daemon, session)[3] == "What is the capital of Italy?"
        assert len(said(daemon, session)) == 5
        page.edit(page.talk.turns[1])
        await say(pilot, page, "What is the capital of Spain?")
        await until(pilot, lambda: page.talk.session != session)
        await kept(pilot, page)
        assert len(said(daemon, session)) == 5
        assert len(said(daemon, page.talk.session)) == 3
        fork = page.talk.session
        await page.desk.rename(fork, "Spain")
        await page.shelf._reopen(session)
        assert len(page.talk.turns) == 5
        assert await page.desk.remove(fork) is False
        assert daemon.call("GET", "/control/sessions?words=Spain")["sessions"] == []


async def test_an_endless_answer_is_stopped_at_once(daemon: Daemon, paths: Paths) -> None:
    async with opened(paths) as (pilot, page):
        real = page.desk._body

        async def endless(*asked: object) -> dict[str, object]:
            body = await real(*asked)  # type: ignore[arg-type]
            return {**body, "ignore_eos": True, "context_overflow": "shift"}

        page.desk._body = endless  # type: ignore[method-assign]
        await say(pilot, page, "Hello")
        await until(pilot, lambda: page.talk.turns[-1].text)
        await pilot.press("escape")
        await kept(pilot, page)
        assert page.talk.turns[-1].state is TurnState.STOPPED
        await until(pilot, lambda: not daemon.call("GET", "/control/requests")["live"])


async def test_nothing_is_lost_when_the_daemon_dies(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    async with opened(paths_of(daemon)) as (pilot, page):
        await say(pilot, page, "What is the capital of France?")
        await kept(pilot, page)
        daemon.process.kill()
        daemon.process.communicate()
        await until(pilot, lambda: page.llmd.trouble)
        await say(pilot, page, "你好")
        await until(pilot, lambda: page.talk.turns[-1].state is TurnState.FAILED)
        page.composer.put("draft")
        daemon.start()
        await until(pilot, lambda: not page.llmd.trouble)
        await pilot.press("ctrl+r")
        await kept(pilot, page)
        assert len(said(daemon, page.talk.session)) == 4
        assert page.composer.text == "draft"


async def test_a_long_session_opens_at_its_end(
    daemon: Daemon, paths: Paths, tmp_path: Path
) -> None:
    session = daemon.call("POST", "/control/sessions", {"title": "Long"})["id"]
    new = [{"role": "user", "content": str(number)} for number in range(2000)]
    daemon.call("POST", f"/control/sessions/{session}/messages", {"messages": new})
    async with opened(paths) as (pilot, page):
        await page.shelf._reopen(session)
        assert page.talk.turns[-1].text == "1999"
        await until(pilot, lambda: not page.talk.missing)
        assert [turn.text for turn in page.talk.turns] == [str(number) for number in range(2000)]


async def test_leaving_in_the_middle_of_an_answer_keeps_it(daemon: Daemon, paths: Paths) -> None:
    async with opened(paths) as (pilot, page):
        page.desk.shown.title = "Left"
        await say(pilot, page, "Tell me a story about a fox.")
        await until(pilot, lambda: page.talk.turns[-1].text)
    found = daemon.call("GET", "/control/sessions?words=Left")["sessions"]
    assert said(daemon, found[0]["id"])[0] == "Tell me a story about a fox."
