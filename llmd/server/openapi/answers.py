"""What comes back: answers, streams, errors, and the headers that all of them have."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from llmd.errors import LlmdError
from llmd.server.http.route import Mount, Route
from llmd.server.openapi.parameters import variables
from llmd.server.openapi.schemas import Json, Schemas, example

_JSON = "application/json"
_EMPTY = 204
_SWITCHED = 101
_ALWAYS = frozenset({400, 401, 403, 429, 500, 503})
"""Also where anybody may ask: a forged key is refused everywhere, and so is a foreign host."""

_NAMED = frozenset({404, 409})
_WRONG_METHOD = 405
_LATER = frozenset({429, 503})

HEADERS: Json = {
    "X-Request-Id": {
        "description": "That of the request, or one that was made up for it; also in the log.",
        "schema": {"type": "string"},
    },
    "X-RateLimit-Limit": {
        "description": "What the strictest limit of the caller allows per window.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {
        "description": "What is left of it.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Reset": {
        "description": "When all of it is there again, in seconds since 1970.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Resource": {
        "description": "What they count: the limit that is closest to being used up.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer"},
    },
}
_EVERYWHERE = tuple(name for name in HEADERS if name != "Retry-After")


def responses(mount: Mount, route: Route, schemas: Schemas) -> Json:
    """Return all answers of a route by status."""
    wrong = {str(status): _reference(mount, status) for status in sorted(_statuses(route))}
    others = {str(status): _other(kind, schemas) for status, kind in route.others.items()}
    return {str(route.status): _success(mount, route, schemas), **wrong, **others}


def problems(mount: Mount, schemas: Schemas) -> Json:
    """Return the error answers of a dialect, as the routes refer to them."""
    content = {_JSON: {"schema": schemas.of(mount.error)}}
    return {
        _name(mount, status): {
            "description": description,
            "headers": _headers(*(["Retry-After"] if status in _LATER else [])),
            "content": content,
        }
        for status, description in _causes().items()
    }


def _statuses(route: Route) -> frozenset[int]:
    found = _ALWAYS
    if variables(route.path):
        found |= _NAMED
    if route.body or route.form:
        found |= _causes().keys() - {_WRONG_METHOD}
    return found - {route.status}


def _success(mount: Mount, route: Route, schemas: Schemas) -> Json:
    if route.status == _SWITCHED:
        return {"description": "A WebSocket."}
    answer: Json = {"description": "What was asked for.", "headers": _headers()}
    if content := dict(_contents(mount, route, schemas)):
        answer["content"] = content
    return answer


def _other(kind: Any, schemas: Schemas) -> Json:
    content = {_JSON: {"schema": schemas.of(kind)}}
    return {"description": "See its schema.", "headers": _headers(), "content": content}


def _contents(mount: Mount, route: Route, schemas: Schemas) -> Iterator[tuple[str, Json]]:
    if route.answer is not None:
        shown = example(route.answer)
        more = {"example": shown} if shown else {}
        yield _JSON, {"schema": schemas.of(route.answer), **more}
    elif route.events is None and route.status != _EMPTY:
        yield "text/plain", {"schema": {"type": "string"}}
    if route.events is not None:
        yield route.streams_as, {"schema": _stream(mount, route, schemas)}


def _stream(mount: Mount, route: Route, schemas: Schemas) -> Json:
    """Return the schema of a stream. OpenAPI 3.1 has none for its parts: of server-sent events it
    describes each, as tools that test APIs read it.
    """
    each = {"anyOf": [schemas.of(route.events), schemas.of(mount.error)]}
    if route.streams_as != "text/event-stream":
        lines = {"contentMediaType": route.streams_as, "contentSchema": each}
        return {"type": "string", "description": "Lines of JSON.", **lines}
    data = {"type": "string", "contentMediaType": _JSON, "contentSchema": each}
    return {
        "type": "object",
        "description": "An event; dialects that OpenAI's clients speak end with `[DONE]`.",
        "properties": {"data": {"anyOf": [{"const": "[DONE]"}, data]}},
        "required": ["data"],
    }


def _name(mount: Mount, status: int) -> str:
    where = mount.prefix.strip("/").replace("/", "-") or "root"
    return f"{mount.name}-{where}-{status}"


def _reference(mount: Mount, status: int) -> Json:
    return {"$ref": f"#/components/responses/{_name(mount, status)}"}


def _headers(*more: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_EVERYWHERE, *more)}


@cache
def _causes() -> dict[int, str]:
    """Return what each status means, as the error tree says it."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for kind in _tree(LlmdError):
        what = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
        found[kind.status].append(f"`{kind.code}`: {what}")
    return {status: "  \n".join(causes) for status, causes in sorted(found.items())}


def _tree(root: type[LlmdError]) -> Iterator[type[LlmdError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)
