"""A path of a dialect: what answers there, who may ask, and what goes in and comes out.

The same structs that validate a body describe it in the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from llmd.protocol.callers import Scope
from llmd.server.http.boundary import Encode, Handler


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path; the first line of the handler's docstring is its summary."""

    method: str
    path: str
    """As aiohttp writes it, without the prefix of the mount: `/models/{name:.+}/load`."""
    handler: Handler
    scope: Scope | None
    """What a caller needs to be allowed; None: anybody may ask."""
    body: Any = None
    """Type that the JSON body is decoded as."""
    form: Any = None
    """Struct whose fields are the parts of a multipart body; `bytes` are files."""
    query: Any = None
    """Struct of the query parameters, see `body.read_query`."""
    answer: Any = None
    """Type of the JSON answer; None: `text/plain` or nothing."""
    events: Any = None
    """Type of each event (or line) when the answer streams."""
    streams_as: str = "text/event-stream"
    """Media type of a streamed answer; `application/x-ndjson` for lines of JSON."""
    status: int = 200
    """Of a success; 204: without a body, 101: a WebSocket, whose `body` is what clients send and
    whose `events` are what they get.
    """
    others: Mapping[int, Any] = field(default_factory=dict)
    """Types of answers with other statuses that are not the dialect's error object."""


get = partial(Route, "GET")
post = partial(Route, "POST")
put = partial(Route, "PUT")
delete = partial(Route, "DELETE")


@dataclass(frozen=True, slots=True)
class Mount:
    """A dialect at a base path."""

    prefix: str
    routes: Sequence[Route]
    encode_error: Encode
    name: str = ""
    """Of the dialect in the OpenAPI document; empty: it is not in there."""
    error: Any = None
    """Type of the JSON that `encode_error` makes."""
    admit: Callable[[Route, str], Handler] | None = None
    """Who lets callers through to a route's handler; None: `admission.admitted`."""
