"""Fields of requests that other servers call otherwise, and those that llmd knows and cannot do.
Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llmd.errors import InvalidRequest
from llmd.server.completions import schema

_NAMES = {
    "max_tokens": ("max_completion_tokens", "max_tokens", "n_predict"),
    "repeat_penalty": ("repeat_penalty", "repetition_penalty"),
}
"""All names of a field, the one that counts first where a request says several."""


class _Lack(NamedTuple):
    """A field that llmd cannot do."""

    neutral: tuple[object, ...]
    """Values that ask for nothing, besides null."""
    hint: str


_SAMPLERS = "Use temperature, top_k, top_p, min_p, typical_p, or a penalty."
_LACKS = {
    "functions": _Lack(([],), "Use tools."),
    "audio": _Lack((), "Answers are text."),
    "modalities": _Lack(([], ["text"]), "Answers are text."),
    "web_search_options": _Lack((), "Offer a search as one of the tools."),
    "mirostat": _Lack((0,), _SAMPLERS),
    "dry_multiplier": _Lack((0,), _SAMPLERS),
    "xtc_probability": _Lack((0,), _SAMPLERS),
    "dynatemp_range": _Lack((0,), _SAMPLERS),
    "top_n_sigma": _Lack((0, -1), _SAMPLERS),
    "min_tokens": _Lack((0,), "Use ignore_eos with max_tokens, or ask for a length in words."),
    "stop_token_ids": _Lack(([],), "Use stop, which takes texts."),
}


def named(options: schema.Options, field: str) -> str:
    """Return the name by which a request says a field; the first of its names where none does."""
    names = _NAMES.get(field, (field,))
    return next((name for name in names if getattr(options, name) is not None), names[0])


def said(options: schema.Options, field: str) -> Any:
    """Return what a request says of a field, by whichever of its names; None: nothing."""
    return getattr(options, named(options, field))


def check(options: schema.Options) -> None:
    """Raise InvalidRequest for a field that asks for what llmd cannot do."""
    for name, lack in _LACKS.items():
        value = getattr(options, name, None)
        if value is not None and value not in lack.neutral:
            raise InvalidRequest(f"{name} is not available.", hint=lack.hint, param=name)
