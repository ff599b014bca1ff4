"""What a model's hyperparameters say, whatever the file wrote there: values of the wrong type or
out of range read as if they were not there, since llama.cpp has the last word on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmd.models.gguf.header import ArraySummary

_MOST = 2**40


@dataclass(frozen=True, slots=True)
class Fields:
    """The key-values of a header, those of its architecture by the end of their names."""

    values: Mapping[str, Any]
    architecture: str

    def has(self, key: str) -> bool:
        """Whether the architecture's `key` is there."""
        return f"{self.architecture}.{key}" in self.values

    def number(self, key: str, default: int = 0) -> int:
        """Return the architecture's `key`, a whole number that is not negative."""
        return whole(self.values.get(f"{self.architecture}.{key}"), default)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return the architecture's `key`, which is on or off."""
        value = self.values.get(f"{self.architecture}.{key}")
        return value if isinstance(value, bool) else default

    def ratio(self, key: str) -> float:
        """Return the architecture's `key`, a number; 0: it does not say."""
        value = self.values.get(f"{self.architecture}.{key}")
        return float(value) if isinstance(value, int | float) and not _odd(value) else 0.0

    def text(self, key: str) -> str:
        """Return the architecture's `key`, a text; empty: it does not say."""
        value = self.values.get(f"{self.architecture}.{key}")
        return value if isinstance(value, str) else ""

    def array(self, key: str) -> list[int] | None:
        """Return the architecture's `key` where it is a list of numbers or flags."""
        value = self.values.get(f"{self.architecture}.{key}")
        if not isinstance(value, list):
            return None
        return [whole(item) if isinstance(item, int) else 0 for item in value]

    def per_layer(self, key: str, layers: int, default: list[int] | None = None) -> list[int]:
        """Return one number for each layer: the architecture's `key` is one for all, or a list."""
        found = self.array(key)
        if found is not None:
            return (found + [0] * layers)[:layers]
        if not self.has(key) and default is not None:
            return default
        return [self.number(key)] * layers

    def count(self, key: str) -> int:
        """Return the length of the array `key`, which need not be the architecture's."""
        value = self.values.get(key)
        if isinstance(value, ArraySummary):
            return value.count
        return len(value) if isinstance(value, list) else 0


def whole(value: object, default: int = 0) -> int:
    """Return a whole number between 0 and a trillion, or the default."""
    return int(value) if isinstance(value, int) and 0 <= value <= _MOST else default


def _odd(value: float) -> bool:
    return math.isnan(value) or abs(value) > _MOST
