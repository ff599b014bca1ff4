"""The document: built at the first question, kept as bytes."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from llmd import __version__
from llmd.errors import NotFound
from llmd.server.http.route import Mount, Route
from llmd.server.openapi import operations
from llmd.server.openapi.answers import HEADERS, problems
from llmd.server.openapi.parameters import template
from llmd.server.openapi.schemas import Json, Schemas

_VERSION = "3.1.0"
_LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


@dataclass(frozen=True)
class Text:
    """A document as it is sent."""

    body: bytes

    @cached_property
    def tag(self) -> str:
        """What changes with it."""
        return hashlib.sha256(self.body).hexdigest()[:32]


class Documents:
    """The documents of an application: the whole one, and one of each dialect."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        """Keep the mounts that have a name."""
        self._mounts = [mount for mount in mounts if mount.name]
        self._made: dict[str, Text] = {}
        self._lock = asyncio.Lock()

    @property
    def dialects(self) -> list[str]:
        """Their names, in the order of their mounts."""
        return list(dict.fromkeys(mount.name for mount in self._mounts))

    async def get(self, dialect: str = "") -> Text:
        """Return the document of a dialect, or of all; raise NotFound."""
        if dialect and dialect not in self.dialects:
            raise NotFound(
                f"There is no dialect {dialect[:100]!r}.",
                hint=f"There are {', '.join(self.dialects)}.",
                param="dialect",
            )
        async with self._lock:  # some 100 ms of work, once and not on the loop
            if dialect not in self._made:
                self._made[dialect] = await asyncio.to_thread(self._text, dialect)
        return self._made[dialect]

    def _text(self, dialect: str) -> Text:
        return Text(msgspec.json.encode(document(self._mounts, dialect)))


def document(mounts: Sequence[Mount], dialect: str = "") -> Json:
    """Return the OpenAPI document of one dialect, or of all; where two mounts claim a path the
    first one has it, as when they answer.
    """
    served = {
        (template(mount.prefix + route.path), route.method): (mount, route)
        for mount in reversed(mounts)
        for route in reversed(mount.routes)
    }
    chosen = [
        (path, mount, route)
        for (path, _), (mount, route) in reversed(served.items())
        if dialect in {"", mount.name}
    ]
    return _document([mount for mount in mounts if dialect in {"", mount.name}], chosen)


def _document(mounts: Sequence[Mount], chosen: Sequence[tuple[str, Mount, Route]]) -> Json:
    schemas = Schemas(
        [
            *(kind for _, _, route in chosen for kind in operations.types(route)),
            *(mount.error for mount in mounts),
        ]
    )
    paths: Json = {}
    for path, mount, route in chosen:
        described = operations.operation(mount, route, schemas)
        paths.setdefault(path, {})[route.method.lower()] = described
    wrong = {name: answer for mount in mounts for name, answer in problems(mount, schemas).items()}
    return {
        "openapi": _VERSION,
        "info": {
            "title": "llmd",
            "version": __version__,
            "summary": "The models of this machine, in several dialects",
            "license": _LICENCE,
        },
        "servers": [{"url": "/"}],
        "tags": [_tag(name) for name in dict.fromkeys(mount.name for mount in mounts)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": wrong,
            "headers": HEADERS,
            "securitySchemes": operations.SECURITY,
        },
    }


def _tag(name: str) -> Json:
    # the docstring of a dialect's package is what there is to say of it
    package = importlib.import_module(f"llmd.server.dialects.{name}")
    return {"name": name, "description": inspect.getdoc(package) or ""}
