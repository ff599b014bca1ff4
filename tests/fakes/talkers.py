"""The chat page as far as its calls go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

from aiohttp import ClientResponse

from tests.fakes.visitors import Visitor

SESSIONS = "/web/chat/sessions"
TURNS = "/web/chat/turns"
PNG = "data:image/png;base64,iVBORw0KGgoAAAAA"


class Heard(NamedTuple):
    """An event of a stream."""

    id: int
    kind: str
    facts: dict[str, Any]


class Hearing:
    """A stream of events that is read one by one."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    async def next(self) -> Heard | None:
        """Return the next event; None: the stream is over."""
        fields: dict[str, str] = {}
        async for raw in self._response.content:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name in {"id", "event", "data"}:
                fields[name] = value
            elif not raw.strip() and "data" in fields:
                return Heard(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            elif not raw.strip():
                fields.clear()
        return None

    async def until(self, kind: str) -> Heard:
        """Return the next event of a kind."""
        while event := await self.next():
            if event.kind == kind:
                return event
        raise AssertionError(f"the stream ended without {kind}")

    async def all(self) -> list[Heard]:
        """Return everything that comes until the stream is over."""
        found = []
        while event := await self.next():
            found.append(event)
        return found


class Talker(Visitor):
    """Somebody before the chat page."""

    _requests = count(1)
    _shown = ""

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """Make a call and return what it answers; it must have that status."""
        self._shown = self._shown or await self.stamp("/")
        headers = {"X-LLMD-Stamp": self._shown}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == status, text
        return json.loads(text) if text else None

    async def refused(self, method: str, path: str, body: object = None, status: int = 400) -> Any:
        """Make a call that is refused with a status and return the error."""
        return (await self.call(method, path, body, status))["error"]

    async def begin(self, title: str = "") -> str:
        """Begin a session."""
        made = await self.call("POST", SESSIONS, {"title": title})
        return str(made["id"])

    async def show(self, session: str, query: str = "") -> Any:
        """Return a session with its last messages."""
        return await self.call("GET", f"{SESSIONS}/{session}{query}")

    def order(self, content: str = "", **more: object) -> dict[str, object]:
        """Return the body of an order."""
        return {"content": content, "request_id": f"request {next(self._requests)}", **more}

    async def ask(self, session: str, content: str = "", **more: object) -> str:
        """Ask for an answer and return its turn."""
        order = self.order(content, **more)
        made = await self.call("POST", f"{SESSIONS}/{session}/turns", order, 202)
        return str(made["turn"])

    @asynccontextmanager
    async def hear(self, turn: str, after: str = "", last: str = "") -> AsyncIterator[Hearing]:
        """Follow a turn, by the query or the header."""
        headers = {"Last-Event-ID": last} if last else {}
        path = f"{TURNS}/{turn}/events"
        params = {"after": after} if after else {}
        async with self.client.get(path, params=params, headers=headers) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            yield Hearing(response)

    async def whole(self, turn: str) -> list[Heard]:
        """Return all that is told of a turn."""
        async with self.hear(turn) as hearing:
            return await hearing.all()

    async def answer(self, session: str, content: str = "", **more: object) -> Heard:
        """Ask and return how it ended."""
        turn = await self.ask(session, content, **more)
        async with asyncio.timeout(10):
            return (await self.whole(turn))[-1]
