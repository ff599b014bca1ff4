"""Where pictures and sounds stand in a sequence. Pure.

Each patch of one stands in the token list as made-up tokens below zero, one for each *position* it
takes, so that an index into the tokens is always a position, also under M-RoPE, where a patch takes
many more cells than positions. They are drawn from the hash of the content: equal runs mean equal
content, and the prefix cache compares them like tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmd.engine.bindings import Floats, Patch

_SIGN = 0x8000_0000


@dataclass(frozen=True, slots=True)
class MediaSpan:
    """A patch whose made-up tokens stand at [start, end) of a sequence; `embeddings` has shape
    (cells, width).
    """

    start: int
    patch: Patch
    embeddings: Floats

    @property
    def end(self) -> int:
        """Index after its last token."""
        return self.start + self.patch.positions

    @property
    def extra(self) -> int:
        """Cells of the KV cache it takes beyond one for each of its tokens."""
        return self.patch.count - self.patch.positions


def made_up_tokens(key: bytes, count: int) -> list[int]:
    """Return `count` negative 32-bit tokens that only this key gives."""
    raw = hashlib.shake_256(key).digest(4 * count)
    return [int(word) for word in (np.frombuffer(raw, "<u4") | _SIGN).view(np.int32)]


def boundary(media: Sequence[MediaSpan], index: int) -> int:
    """Return the last place at or before `index` where a prefix may end: never inside a patch."""
    return next((span.start for span in media if span.start < index < span.end), index)


def run_length(media: Sequence[MediaSpan], start: int, count: int) -> tuple[int, MediaSpan | None]:
    """Return how many of `count` tokens from `start` on one decode call may take, with the patch
    that they are: all tokens of a patch together, or text up to the next one.
    """
    for span in media:
        if span.start == start:
            return span.end - start, span
        if start < span.start < start + count:
            return span.start - start, None
    return count, None
