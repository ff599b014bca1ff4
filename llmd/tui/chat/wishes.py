"""How answers are wished: what the options dialog reads and a request carries. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from llmd.errors import InvalidRequest


class Wishes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is None is left to the model and the daemon."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    enable_thinking: bool | None = None
    context_overflow: str | None = None
    """`truncate` or `shift` instead of refusing what does not fit."""

    def body(self) -> dict[str, Any]:
        """Return the fields of a request."""
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in found.items() if value is not None}

    def words(self) -> list[str]:
        """Return what is wished, in words."""
        found = {name: self.text(name) for name in NUMBERS}
        told = [f"{name.replace('_', ' ')} {text}" for name, text in found.items() if text]
        if self.enable_thinking is not None:
            told.append(f"reasoning {'on' if self.enable_thinking else 'off'}")
        if self.context_overflow and self.context_overflow != "error":
            told.append("oldest messages may be dropped")
        return told

    def text(self, name: str) -> str:
        """Return one of the numbers as it is typed; empty: it is not set."""
        value = getattr(self, name)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


class Range(NamedTuple):
    """What a number may be."""

    whole: bool
    least: float
    most: float
    words: str


NUMBERS: dict[str, Range] = {
    "temperature": Range(whole=False, least=0, most=5, words="0 always takes the likeliest word"),
    "top_p": Range(whole=False, least=0, most=1, words="share of likelihood to choose from"),
    "top_k": Range(whole=True, least=0, most=1_000_000, words="words to choose from, 0: all"),
    "min_p": Range(whole=False, least=0, most=1, words="least share of the likeliest word's"),
    "max_tokens": Range(whole=True, least=1, most=10_000_000, words="longest answer"),
    "seed": Range(whole=True, least=0, most=2**32 - 1, words="the same again with the same seed"),
}


def parse(name: str, text: str) -> float | int | None:
    """Return a number as it was typed, None for nothing; raise InvalidRequest for any other."""
    text = text.strip()
    if not text:
        return None
    rule = NUMBERS[name]
    try:
        value = int(text) if rule.whole else float(text)
    except ValueError:
        value = math.nan
    if not rule.least <= value <= rule.most:
        kind = "a whole number" if rule.whole else "a number"
        raise InvalidRequest(
            f"{name.replace('_', ' ')} is {kind} from {rule.least:g} to {rule.most:g}.", param=name
        )
    return value


def read(numbers: Mapping[str, str], thinking: str, overflow: str) -> Wishes:
    """Return wishes from what was typed and chosen, reasoning `on` or `off`; raise
    InvalidRequest.
    """
    found: dict[str, Any] = {name: parse(name, text) for name, text in numbers.items()}
    thinks = {"on": True, "off": False}.get(thinking)
    return Wishes(enable_thinking=thinks, context_overflow=overflow or None, **found)
