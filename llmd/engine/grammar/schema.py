"""JSON Schemas before they are compiled: what is taken out, what is refused at once, and which
place is to blame when llguidance refuses one.

llguidance says what it cannot do, rarely where. The place is found by asking it again about smaller
and smaller parts: down into the first part that fails as the whole did, and there the keyword
without which it no longer fails. Vocabulary: JSON Schema draft 2020-12.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from llmd.engine.grammar.closing import Findings, survey
from llmd.engine.grammar.subschemas import DEFINITIONS, children
from llmd.errors import ConstraintRefused

Fails = Callable[[Any], str]
"""Says why a schema cannot be compiled; empty when it can."""

_DEEPEST = 60
_MOST_PROPERTIES = 1000
_PATIENCE = 0.5
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DATE = f"^(?:{_YEAR}-(?:0[13-9]|1[0-2]|02-(?:[01][0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
_SECOND = ":[0-9]{2}:[0-5]"
_EXACT: dict[str, dict[str, Any]] = {
    "date": {"pattern": _DATE},
    "time": {"pattern": _SECOND},
    "date-time": {"pattern": f"{_DATE}.*{_SECOND}"},
    "hostname": {"maxLength": 253},
}
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([^/]+)")
_OUT_OF_TIME = "out of time"
_IMPOSSIBLE = re.compile("Unsatisfiable|fulfil")
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


class Place(NamedTuple):
    """Where in a schema: a JSON path such as `$.properties.age`, and a keyword there, if known."""

    path: str = "$"
    keyword: str = ""


def prepared(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without what would change how llguidance works and without keywords that
    forbid nothing, its objects closed where they may be; raise ConstraintRefused for what would
    cost too much or be enforced in part.
    """
    return _prepared(schema, survey(schema), "$", 0)


def _prepared(schema: dict[str, Any], found: Findings, path: str, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise refused(f"it is nested more than {_DEEPEST} deep", Place(path))
    _check_object(schema, path)
    changed = {key: value for key, value in schema.items() if not _idle(key, value)}
    if added := _exact_format(schema):
        changed["allOf"] = [*changed.get("allOf", []), added]
    if id(schema) in found.closed:
        changed["additionalProperties"] = False
    if id(schema) in found.exclusive:
        # llguidance looks for constants behind references only where it is told to
        changed.setdefault("discriminator", {})
    for steps, child in children(schema):
        if not isinstance(child, dict) or steps[0] not in changed:
            continue
        new = _prepared(child, found, path + "".join(map(_step, steps)), depth + 1)
        if len(steps) == 1:
            changed[steps[0]] = new
            continue
        if changed[steps[0]] is schema[steps[0]]:
            changed[steps[0]] = schema[steps[0]].copy()
        changed[steps[0]][steps[1]] = new
    return changed


def _idle(key: str, value: Any) -> bool:
    """Whether a keyword forbids nothing: other programs write such, llguidance refuses them."""
    if key == "uniqueItems":
        return value is False
    if key == "propertyNames":
        return value is True or value in ({}, {"type": "string"})
    return key == "x-guidance"


def _exact_format(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Return what llguidance's patterns for formats let through and must not: 29 February of any
    year, leap seconds of any minute, names of any length.
    """
    if not isinstance(schema.get("allOf", []), list):
        return None
    return _EXACT.get(str(schema.get("format")))


def _check_object(schema: dict[str, Any], path: str) -> None:
    properties = schema.get("properties")
    if isinstance(properties, dict) and len(properties) > _MOST_PROPERTIES:
        reason = f"one object has more than {_MOST_PROPERTIES} properties"
        raise refused(reason, Place(path, "properties"))
    least = schema.get("minProperties")
    # llguidance lets names that are not declared come twice, and a JSON object counts them once
    if isinstance(least, int | float) and least > 1 and not _all_required(schema, least):
        reason = "more than one property can only be demanded by listing them in required"
        raise refused(reason, Place(path, "minProperties"))


def _all_required(schema: dict[str, Any], least: float) -> bool:
    required = schema.get("required")
    return isinstance(required, list) and len({str(name) for name in required}) >= least


def blame(schema: Any, fails: Fails) -> Place:
    """Return the smallest place to blame for the failure of `schema`; takes about half a second at
    most.
    """
    return _Search(schema, fails).place() if isinstance(schema, dict) else Place()


class _Search:
    """Walks down from the root. A definition that was entered counts as sound from then on, so that
    references back to it are not to blame for what is found inside.
    """

    def __init__(self, root: dict[str, Any], fails: Fails) -> None:
        self._root = root
        self._fails = fails
        self._limit = time.monotonic() + _PATIENCE
        self._shared = {key: root[key] for key in DEFINITIONS if key in root}

    def place(self) -> Place:
        path, schema = "$", self._root
        said = self._reason(schema)
        while step := self._culprit(schema, path, said):
            path, schema, said = step
        return Place(path, self._keyword(schema, said))

    def _reason(self, part: dict[str, Any]) -> str:
        if time.monotonic() > self._limit:
            return _OUT_OF_TIME
        return self._fails({**part, **self._shared})

    def _culprit(
        self, schema: dict[str, Any], path: str, said: str
    ) -> tuple[str, dict[str, Any], str] | None:
        """Return the first subschema that fails as `schema` does; where nothing fits `schema`, else
        the first that nothing fits either.
        """
        second = None
        for where, child in self._used(schema, path):
            reason = self._reason(child)
            if reason and reason == said:
                return where, child, reason
            if reason and not second and _IMPOSSIBLE.search(said) and _IMPOSSIBLE.search(reason):
                second = where, child, reason
        return second

    def _used(self, schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the direct subschemas that take part, a definition where one is referred to."""
        for steps, child in children(schema):
            if steps[0] not in DEFINITIONS and isinstance(child, dict):
                yield path + "".join(map(_step, steps)), child
        match = _REFERENCE.fullmatch(str(schema.get("$ref", "")))
        if not match:
            return
        kind, name = match[1], match[2].replace("~1", "/").replace("~0", "~")
        named = self._shared.get(kind)
        if isinstance(named, dict) and isinstance(definition := named.get(name), dict):
            self._shared[kind] = {**named, name: True}
            yield f"$.{kind}{_step(name)}", definition
            self._shared[kind] = named  # not reached when the search goes on in there

    def _keyword(self, schema: dict[str, Any], said: str) -> str:
        """Return the last keyword without which the schema would compile, else one that the reason
        names.
        """
        candidates = [key for key in schema if key not in DEFINITIONS]
        # the type is to blame only when nothing else is: without it much is allowed
        for key in [*(key for key in reversed(candidates) if key != "type"), "type"]:
            rest = {name: value for name, value in schema.items() if name != key}
            if said and key in schema and not self._reason(rest):
                return key
        return next((key for key in candidates if re.search(rf"\b{re.escape(key)}\b", said)), "")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_NAME.fullmatch(step):
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def refused(reason: str, place: Place, tool: str = "") -> ConstraintRefused:
    """Return the error that names what cannot be enforced, and where."""
    what = f'The parameters of the tool "{tool}"' if tool else "The schema"
    keyword = f", keyword {place.keyword}" if place.keyword else ""
    details = {"path": place.path, "keyword": place.keyword, "tool": tool}
    return ConstraintRefused(
        f"{what} cannot be enforced: {reason} (at {place.path}{keyword}).",
        hint="Leave the keyword out, or say the same with supported ones.",
        param="tools" if tool else "response_format",
        **{key: value for key, value in details.items() if value},
    )
