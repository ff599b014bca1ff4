"""The same calls as `Client`, for programs with an event loop: many at once, none blocks.

On aiohttp, which costs as much to import as a whole `llmd ps` takes: only `llmd tui` uses it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from llmd.client.connection import explained
from llmd.client.streams import Events, cut_short, read_object
from llmd.errors import LlmdError

_BAD = 400


class AsyncClient:
    """The daemon behind one Unix socket.

    Calls raise DaemonUnreachable when nobody answers, and the LlmdError that the daemon answered
    with. Close it, or use it in `async with`.
    """

    def __init__(self, socket: Path, timeout: float | None = None) -> None:
        """Keep the path; `timeout` bounds each wait for bytes in seconds, None waits for ever."""
        self._socket = socket
        self._timeout = aiohttp.ClientTimeout(total=None, sock_read=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def get(self, path: str) -> dict[str, Any]:
        """Read something."""
        return await self._ask("GET", path)

    async def post(self, path: str, body: object = None) -> dict[str, Any]:
        """Make something happen."""
        return await self._ask("POST", path, {} if body is None else body)

    async def put(self, path: str, body: object = None) -> dict[str, Any]:
        """Put something in its place."""
        return await self._ask("PUT", path, {} if body is None else body)

    async def delete(self, path: str) -> dict[str, Any]:
        """Remove something."""
        return await self._ask("DELETE", path)

    async def stream_lines(
        self, path: str, body: object = None, method: str = "POST"
    ) -> AsyncGenerator[dict[str, Any]]:
        """Yield the objects of an answer in JSON lines; closing makes the daemon stop."""
        async with (
            self._answer(method, path, body) as response,
            aclosing(_lines(response)) as lines,
        ):
            async for line in lines:
                if line.strip():
                    yield read_object(line)

    async def stream_events(
        self, path: str, body: object = None, method: str = "POST", trace: str = ""
    ) -> AsyncGenerator[dict[str, Any]]:
        """Yield the objects of an answer in server-sent events, up to `[DONE]`; closing makes the
        daemon stop. By `trace` lists of requests and logs know it.
        """
        events = Events()
        async with (
            self._answer(method, path, body, trace) as response,
            aclosing(_lines(response)) as lines,
        ):
            async for line in lines:
                event = events.take(line)
                if events.done:
                    return
                if event is not None:
                    yield event
            raise cut_short()

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        async with self._answer(method, path, body) as response:
            return read_object(await response.read())

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: object, trace: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and hand out its answer; raise what the daemon refuses it with."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if data else {}
        if trace:
            headers["X-Request-Id"] = trace
        url = f"http://localhost{path}"
        try:
            async with self._open().request(method, url, data=data, headers=headers) as response:
                if response.status >= _BAD:
                    read_object(await response.read())  # raises what the body describes
                    raise LlmdError(
                        f"The daemon answered {response.status} without saying why.",
                        hint="`llmd logs` may.",
                    )
                yield response
        except (OSError, aiohttp.ClientError) as error:
            raise explained(_cause(error), self._socket) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # no connection is kept: one that the daemon closed meanwhile would fail a call
                connector=aiohttp.UnixConnector(str(self._socket), limit=0, force_close=True),
                timeout=self._timeout,
            )
        return self._session


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    """Yield lines of any length, without their ends."""
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


def _cause(error: Exception) -> Exception:
    """Return what the system said, from under aiohttp's own error."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error
    return error
