"""A path of a dialect: what answers there, who may ask, and what goes in and comes out.

The same structs that validate a body describe it in the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from llmd.protocol.callers import Scope
from llmd.server.http.boundary import Handler


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
    status: int = 200


get = partial(Route, "GET")
post = partial(Route, "POST")
put = partial(Route, "PUT")
delete = partial(Route, "DELETE")
