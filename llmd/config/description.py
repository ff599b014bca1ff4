"""What people are told of each setting: the string under its field, and what it takes."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from llmd.config.hours import Hours
from llmd.config.networks import Networks
from llmd.config.settings import Settings
from llmd.config.store import flatten, keys
from llmd.config.values import Duration, Size


class Shape(StrEnum):
    """What a value is."""

    TRUTH = "truth"
    WHOLE = "whole"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    DURATION = "duration"
    SIZE = "size"
    HOURS = "hours"
    NETWORKS = "networks"


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, whatever its value."""

    key: str
    """`section.field`."""
    about: str
    """What it is for, in English; code stands between back-ticks."""
    shape: Shape
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    default: str
    """As `llmd config set` takes it."""

    @property
    def section(self) -> str:
        """Its section in the file."""
        return self.key.partition(".")[0]


_SHAPES: dict[type, Shape] = {
    Duration: Shape.DURATION,
    Size: Shape.SIZE,
    Hours: Shape.HOURS,
    Networks: Shape.NETWORKS,
    bool: Shape.TRUTH,
    int: Shape.WHOLE,
    float: Shape.NUMBER,
    str: Shape.TEXT,
}


@cache
def descriptions() -> dict[str, Description]:
    """Return all settings by their keys, in the order of the file."""
    abouts, defaults = notes(), flatten(Settings())
    return {
        key: _describe(key, hint, abouts[key], as_text(defaults[key]))
        for key, hint in keys().items()
    }


@cache
def notes() -> dict[str, str]:
    """Return what stands under each field, by its key, and under each section, by its name."""
    found: dict[str, str] = {}
    for section, kind in get_type_hints(Settings).items():
        found[section] = _line(kind.__doc__ or "")
        # the class alone: inspect looks for it in the source of its module
        tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                found |= {f"{section}.{field}": text for field, text in _fields(node)}
    return found


def as_text(value: object) -> str:
    """Return a plain value as `llmd config set` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, _line(text)


def _line(text: str) -> str:
    return inspect.cleandoc(text).strip().replace("\n", " ")


def _describe(key: str, hint: Any, about: str, default: str) -> Description:
    base, low, high = hint, None, None
    if get_origin(hint) is not None and get_args(hint):
        base, meta = get_args(hint)[:2]
        low, high = meta.ge, meta.le
    choices = tuple(map(str, base)) if issubclass(base, StrEnum) else ()
    shape = Shape.CHOICE if choices else _SHAPES[base]
    return Description(
        key=key, about=about, shape=shape, choices=choices, low=low, high=high, default=default
    )
