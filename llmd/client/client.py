"""Calls to the daemon: short ones return a dict, long ones a `Stream` of dicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from llmd.client.connection import UnixConnection, unreachable
from llmd.client.streams import ndjson, read_object, server_sent
from llmd.errors import InvalidRequest, LlmdError

_BAD = 400

Parse = Callable[[Iterable[bytes]], Iterator[dict[str, Any]]]
Told = Callable[[str, float], None]
"""Told of each call: method and path, and the seconds until the answer began."""


class Stream:
    """A long answer: iterate over its objects, close it (or leave the `with` block) to make the
    daemon stop.
    """

    def __init__(
        self, connection: UnixConnection, response: HTTPResponse, path: Path, parse: Parse
    ) -> None:
        self._connection = connection
        self._response = response
        self._path = path
        self._objects = parse(self._lines())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._objects

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, which cancels what the daemon does for it."""
        self._connection.close()

    def _lines(self) -> Iterator[bytes]:
        while True:
            with unreachable(self._path):
                line = self._response.readline()
            if not line:
                return
            yield line


class Client:
    """The daemon behind one Unix socket; each call uses a connection of its own.

    Calls raise DaemonUnreachable when nobody answers, InvalidRequest for text that cannot be sent,
    and the LlmdError that the daemon answered with.
    """

    def __init__(
        self, socket: Path, timeout: float | None = None, told: Told | None = None
    ) -> None:
        """Keep the path; `timeout` bounds each wait for bytes, None waits for ever (loading takes
        minutes).
        """
        self._socket = socket
        self._timeout = timeout
        self._told = told

    def get(self, path: str) -> dict[str, Any]:
        """Read something."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: object = None) -> dict[str, Any]:
        """Make something happen."""
        return self._ask("POST", path, {} if body is None else body)

    def delete(self, path: str) -> dict[str, Any]:
        """Remove something."""
        return self._ask("DELETE", path, None)

    def stream_lines(self, path: str, body: object) -> Stream:
        """Post, and read the answer as JSON lines."""
        return self._stream(path, body, ndjson)

    def stream_events(self, path: str, body: object) -> Stream:
        """Post, and read the answer as server-sent events."""
        return self._stream(path, body, server_sent)

    def _ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        connection = UnixConnection(self._socket, self._timeout)
        try:
            response = self._send(connection, method, path, body)
            with unreachable(self._socket):
                return read_object(response.read())
        finally:
            connection.close()

    def _stream(self, path: str, body: object, parse: Parse) -> Stream:
        connection = UnixConnection(self._socket, self._timeout)
        try:
            response = self._send(connection, "POST", path, body)
        except BaseException:
            connection.close()
            raise
        return Stream(connection, response, self._socket, parse)

    def _send(
        self, connection: UnixConnection, method: str, path: str, body: object
    ) -> HTTPResponse:
        data = None if body is None else _encoded(body)
        headers = {"Content-Type": "application/json"} if data else {}
        begun = time.monotonic()
        with unreachable(self._socket):
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            if self._told:
                self._told(f"{method} {path} {response.status}", time.monotonic() - begun)
            failure = response.read() if response.status >= _BAD else b""
        if response.status >= _BAD:
            read_object(failure)  # raises what the body describes
            raise LlmdError(
                f"The daemon answered {response.status} without saying why.",
                hint="`llmd logs` may.",
            )
        return response


def _encoded(body: object) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:  # a command line may hold any bytes
        raise InvalidRequest(
            "What is to be sent is no text in UTF-8.", hint="Convert it first, as with iconv."
        ) from error
