"""What a URL holds: `/models/{name:.+}/load` as OpenAPI writes paths, and queries."""

from __future__ import annotations

import re
from typing import Any

from llmd.server.http.route import Route
from llmd.server.openapi.schemas import Json, Schemas

_VARIABLE = re.compile(r"\{(?P<name>\w+)(?::(?P<pattern>(?:[^{}]|\{[^{}]*\})+))?\}")
_ANYTHING = ".+"


def template(path: str) -> str:
    """Return an aiohttp path as OpenAPI writes it: variables without their patterns."""
    return _VARIABLE.sub(r"{\g<name>}", path)


def variables(path: str) -> list[str]:
    """Return the names of the variables of a path."""
    return [found["name"] for found in _VARIABLE.finditer(path)]


def parameters(route: Route, schemas: Schemas) -> list[Json]:
    """Return all parameters of a route: those of its path, then those of its query."""
    inside = [_variable(found) for found in _VARIABLE.finditer(route.path)]
    return inside + (_query(route.query, schemas) if route.query else [])


def _variable(found: re.Match[str]) -> Json:
    pattern = found["pattern"]
    schema: Json = {"type": "string", "minLength": 1}
    entry: Json = {"name": found["name"], "in": "path", "required": True, "schema": schema}
    if pattern == _ANYTHING:
        entry["description"] = "May have slashes in it, as they are or as `%2F`."
    elif pattern:
        schema["pattern"] = f"^(?:{pattern})$"
    return entry


def _query(kind: Any, schemas: Schemas) -> list[Json]:
    struct = schemas.inline(kind)
    return [
        _parameter(name, dict(schema), required=name in struct["required"])
        for name, schema in struct["properties"].items()
    ]


def _parameter(name: str, schema: Json, *, required: bool) -> Json:
    entry: Json = {"name": name, "in": "query", "required": required, "schema": schema}
    if note := schema.pop("description", ""):
        entry["description"] = note
    # in a URL nothing can be null: left out is what it is
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        schema.pop("anyOf")
        schema |= options[0]
    return entry
