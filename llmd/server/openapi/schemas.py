"""Structs to JSON Schema: msgspec's own, with the sentences under the fields and the examples of
the documents put in.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, get_args

import msgspec
from msgspec import inspect as kinds

Json = dict[str, Any]

_PLACE = "#/components/schemas/"
_LONG = re.compile(r"^llmd\.(?:server\.)?(?:dialects\.)?(?P<owner>\w+)\..*?(?P<name>\w+)$")
_MODULE = re.compile(r"(?<![A-Za-z])(?:[a-z][a-z_]*\.)+")


class Schemas:
    """The schemas of all types that a document refers to."""

    def __init__(self, types: Iterable[Any]) -> None:
        """Raise TypeError for a type that msgspec cannot decode."""
        wanted = list(dict.fromkeys(member for kind in types for member in _members(kind)))
        structs = _structs(wanted)
        wanted += [kind for kind in structs if kind not in wanted]
        found, components = msgspec.json.schema_components(wanted, ref_template=_PLACE + "{name}")
        names = _names(components)
        self._components: Json = {
            names[name]: _renamed(one, names) for name, one in components.items()
        }
        self._inlined: set[str] = set()
        self._found: Json = dict(zip(wanted, _renamed(list(found), names), strict=True))
        for kind, known in structs.items():
            _explain(self.resolved(kind), known)

    @property
    def components(self) -> Json:
        """Return the schemas that have a name and a place of their own."""
        return {name: one for name, one in self._components.items() if name not in self._inlined}

    def of(self, kind: Any) -> Json:
        """Return the schema of a type, a reference where it has a name."""
        members = _members(kind)
        if len(members) == 1:
            return dict(self._found[kind])
        return {"anyOf": [dict(self._found[member]) for member in members]}

    def resolved(self, kind: Any) -> Json:
        """Return the schema itself of a type."""
        name = self._name(kind)
        schema: Json = self._components[name] if name else self._found[kind]
        return schema

    def inline(self, kind: Any) -> Json:
        """Return a type's schema and leave it out of `components`: that of a query or a form is
        shown where it is used.
        """
        self._inlined.add(self._name(kind))
        return self.resolved(kind)

    def _name(self, kind: Any) -> str:
        reference: str = self._found[kind].get("$ref", "")
        return reference.removeprefix(_PLACE)


def example(kind: Any) -> Json | None:
    """Return what a struct's `EXAMPLE` is, as its document shows it."""
    found: Json | None = getattr(kind, "__dict__", {}).get("EXAMPLE")
    return found


def _names(components: Json) -> dict[str, str]:
    """Return names for client code: `llmd.server.dialects.native.schema.Load`, one of several of
    that name, becomes `NativeLoad`, and `Envelope_llmd.protocol.models.User_` `EnvelopeOfUser`.
    """
    return {name: _short(name) for name in components}


def _short(name: str) -> str:
    told = _LONG.sub(lambda found: found["owner"].title() + found["name"], name)
    return re.sub("_+", "Of", _MODULE.sub("", told).strip("_"))


def _members(kind: Any) -> Sequence[Any]:
    """Return the types of a union: what is only sent may be one that cannot be decoded."""
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _texts(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    match node:
        case {"enum": [*values], **rest} if "type" not in rest and _texts(values):
            return {"type": "string", **_renamed(rest, names), "enum": values}
        case dict():
            return {key: _renamed(value, names) for key, value in node.items()}
        case list():
            return [_renamed(value, names) for value in node]
        case str() if node.startswith(_PLACE):
            return _PLACE + names[node.removeprefix(_PLACE)]
        case _:
            return node


def _explain(schema: Json, struct: kinds.StructType) -> None:
    # a Struct has no comments at run time: they are read from the source, where there is one
    notes = _notes(struct.cls)
    properties = schema["properties"]
    for field in struct.fields:
        entry = properties[field.encode_name]
        if note := notes.get(field.name):
            entry["description"] = note
        if entry.get("default", ...) is None:
            del entry["default"]  # absent and null mean the same
    required = schema["required"]
    schema["properties"] = dict(sorted(properties.items(), key=lambda one: one[0] not in required))
    if shown := example(struct.cls):
        schema["examples"] = [shown]


def _notes(struct: type) -> Mapping[str, str]:
    struct = getattr(struct, "__origin__", struct)
    found: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        found |= _module_notes(kind.__module__).get(kind.__qualname__, {})
    return found


@cache
def _module_notes(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the string under each field of each class of a module."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_class_notes(node)) for node in classes}


def _class_notes(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    names: list[str] = []
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.append(name)
            case ast.Expr(value=ast.Constant(value=str(text))):
                note = inspect.cleandoc(text)
                yield from ((name, note) for name in names[-1:])
            case _:
                names.clear()


def _structs(types: Iterable[Any]) -> dict[Any, kinds.StructType]:
    """Return every struct that the types are made of."""
    found: dict[Any, kinds.StructType] = {}
    pending = list(kinds.multi_type_info(types))
    while pending:
        kind = pending.pop()
        if isinstance(kind, kinds.StructType) and kind.cls not in found:
            found[kind.cls] = kind
            pending += [field.type for field in kind.fields]
        pending += _parts(kind)
    return found


def _parts(kind: kinds.Type) -> list[kinds.Type]:
    match kind:
        case kinds.Metadata(type=inner):
            return [inner]
        case kinds.UnionType(types=several) | kinds.TupleType(item_types=several):
            return list(several)
        case kinds.CollectionType(item_type=inner):
            return [inner]
        case kinds.DictType(key_type=key, value_type=value):
            return [key, value]
        case _:
            return []
