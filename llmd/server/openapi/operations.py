"""A route as an OpenAPI operation."""

from __future__ import annotations

import inspect
import re
from typing import Any

from llmd.protocol.callers import Scope
from llmd.server.http.route import Mount, Route
from llmd.server.openapi.answers import responses
from llmd.server.openapi.parameters import parameters, template
from llmd.server.openapi.schemas import Json, Schemas, example

_WEBSOCKET = 101

SECURITY: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`llmd keys add`) or the access token of a login.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "The same key in a header of its own.",
    },
}


def types(route: Route) -> list[Any]:
    """Return the types that a route's operation refers to."""
    named = (route.body, route.form, route.query, route.answer, route.events)
    return [*route.others.values()] + [kind for kind in named if kind is not None]


def operation(mount: Mount, route: Route, schemas: Schemas) -> Json:
    """Return the operation of a route."""
    summary, _, more = inspect.cleandoc(route.handler.__doc__ or "").partition("\n")
    found: Json = {
        "tags": [mount.name],
        "operationId": identity(mount, route),
        "summary": summary.rstrip("."),
        "description": "\n\n".join(filter(None, [more.strip(), _needs(route.scope)])),
        "parameters": parameters(route, schemas),
        "responses": responses(mount, route, schemas),
        "security": _security(route.scope),
    }
    if route.status == _WEBSOCKET:
        found["x-websocket"] = {
            "sends": schemas.of(route.body),
            "receives": schemas.of(route.events),
        }
    elif route.body is not None or route.form is not None:
        found["requestBody"] = _body(route, schemas)
    return {name: value for name, value in found.items() if value not in ("", [])}


def identity(mount: Mount, route: Route) -> str:
    """Return the id of an operation, such as `post_v1_chat_completions`: stable, and unique as
    paths are.
    """
    words = re.findall(r"\w+", template(mount.prefix + route.path))
    return "_".join([route.method.lower(), *words])


def _needs(scope: Scope | None) -> str:
    return f"Needs the scope `{scope}`." if scope else ""


def _security(scope: Scope | None) -> list[Json]:
    if scope is None:
        return []
    known = [{scheme: [str(scope)]} for scheme in SECURITY]
    # a daemon that is open asks nobody who they are, but for administrators
    return known if scope is Scope.ADMIN else [*known, {}]


def _body(route: Route, schemas: Schemas) -> Json:
    kind = route.form if route.body is None else route.body
    schema = schemas.resolved(kind)
    if route.form is not None:
        return {
            "required": bool(schema["required"]),
            "content": {"multipart/form-data": {"schema": _form(schemas.inline(kind))}},
        }
    shown = example(kind)
    content = {"schema": schemas.of(kind), **({"example": shown} if shown else {})}
    # an empty body reads as `{}`
    return {
        "required": bool(schema.get("required", True)),
        "content": {"application/json": content},
    }


def _form(schema: Json) -> Json:
    files = {"type": "string", "format": "binary"}
    properties = {
        name: {**entry, **files} if "contentEncoding" in entry else entry
        for name, entry in schema["properties"].items()
    }
    for entry in properties.values():
        entry.pop("contentEncoding", None)
    return {**schema, "properties": properties}
