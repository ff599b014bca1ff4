"""The daemon's control calls in name only, for what draws them: answers by method and path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from llmd.client.asynchronous import AsyncClient
from llmd.errors import LlmdError, NotFound

Reply = dict[str, Any] | LlmdError


class FakeControl(AsyncClient):
    """Stands in for the client: `answers` by `GET /path` (a later one wins), lists of lines or errors by path in
    `lines`; `calls` records what was asked. A list of lines that ends with None stays open.
    """

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.answers: dict[str, Reply] = {}
        self.lines: dict[str, list[Reply | None]] = {}
        self.calls: list[tuple[str, Any]] = []
        self.left: list[str] = []
        """Streams that were closed before their end."""

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.calls.append((f"{method} {path}", body))
        answer = self.answers.get(f"{method} {path}", NotFound(f"no answer for {method} {path}"))
        if isinstance(answer, LlmdError):
            raise answer
        return msgspec.json.decode(msgspec.json.encode(answer))

    async def stream_lines(
        self, path: str, body: object = None, method: str = "POST"
    ) -> AsyncGenerator[dict[str, Any]]:
        self.calls.append((f"{method} {path}", body))
        try:
            for line in self.lines.get(path, []):
                if line is None:
                    await asyncio.Event().wait()
                elif isinstance(line, LlmdError):
                    raise line
                else:
                    yield line
        except (GeneratorExit, asyncio.CancelledError):
            self.left.append(path)
            raise

    def asked(self, call: str) -> list[Any]:
        """Return the bodies that came with a call."""
        return [body for made, body in self.calls if made == call]
