"""The chat page with a daemon in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from textual.pilot import Pilot

from llmd.client.asynchronous import AsyncClient
from llmd.config.paths import Paths
from llmd.protocol.feed import Snapshot
from llmd.tui.app import LlmdApp
from llmd.tui.screens.chat import ChatPage
from llmd.tui.widgets.said import Said
from tests.fakes.chat_daemon import ChatDaemon
from tests.fakes.snapshots import EMPTY


class Room:
    """What a test does on the page, and what it sees there."""

    def __init__(self, app: LlmdApp, pilot: Pilot[None], daemon: ChatDaemon) -> None:
        self.app = app
        self.pilot = pilot
        self.daemon = daemon

    @property
    def page(self) -> ChatPage:
        page = self.app.page
        assert isinstance(page, ChatPage)
        return page

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the page run until something has happened."""
        for _ in range(500):
            await asyncio.sleep(0.01)  # a pilot's pause asks every widget
            if condition():
                await self.pilot.pause(0)
                return
        raise AssertionError("it did not happen")

    async def type(self, text: str) -> None:
        """Type and send."""
        self.page.composer.put(text)
        await self.pilot.press("enter")
        await self.pilot.pause()

    async def ask(self, text: str) -> None:
        """Type, send, and wait until the answer is kept."""
        await self.type(text)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is answered and all is kept."""
        talk = self.page.talk
        await self.until(lambda: talk.turns and not talk.answer and talk.turns[-1].kept)
        await self.pilot.pause()

    def shown(self) -> list[str]:
        """Return what turns say that are shown."""
        return [said.turn.text for said in self.page.query(Said)]

    def kept(self) -> list[str]:
        """Return what the session of the talk holds."""
        return [text for _, text in self.daemon.said(self.page.talk.session)]

    def told(self) -> list[str]:
        """Return the notifications."""
        return [note.message for note in self.app._notifications]


@asynccontextmanager
async def opened(
    home: Path,
    daemon: ChatDaemon | None = None,
    size: tuple[int, int] = (100, 32),
    snapshot: Snapshot = EMPTY,
) -> AsyncIterator[Room]:
    """Open the page; it has learnt what models and sessions there are."""
    found = daemon or ChatDaemon()
    paths = Paths(home, home, home / "state", home / "cache", home / "socket")
    app = LlmdApp(paths, page="chat", follow=False)
    app.client = cast("AsyncClient", found)
    async with app.run_test(size=size) as pilot:
        room = Room(app, pilot, found)
        await room.until(lambda: isinstance(app.page, ChatPage) and app.page.is_mounted)
        app.arrived(snapshot)
        await room.until(lambda: room.page.desk.models)
        await pilot.pause()
        yield room
