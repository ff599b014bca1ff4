"""Fields of requests that other servers call otherwise. Pure."""

from __future__ import annotations

from typing import Any

from llmd.server.completions import schema

_NAMES = {"max_tokens": ("max_completion_tokens", "max_tokens")}
"""All names of a field, the one that counts first where a request says several."""


def named(options: schema.Options, field: str) -> str:
    """Return the name by which a request says a field; the first of its names where none does."""
    names = _NAMES.get(field, (field,))
    return next((name for name in names if getattr(options, name) is not None), names[0])


def said(options: schema.Options, field: str) -> Any:
    """Return what a request says of a field, by whichever of its names; None: nothing."""
    return getattr(options, named(options, field))
