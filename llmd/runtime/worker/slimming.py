"""Gives caches back to the system when the daemon says that memory runs short.

What is set aside goes first, encoded media next. The KV cache stays: it is one block, and giving up
the prefixes in it would free nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Protocol


class Shrinkable(Protocol):
    """A cache that can give something up."""

    def shrink(self, size: int) -> int:
        """Give up so many bytes, or all there are; return how many that were."""
        ...


def slim(caches: list[Shrinkable | None], size: int) -> int:
    """Have caches give up so many bytes, one after the other; return how many they had."""
    given = 0
    for cache in caches:
        if cache is not None and given < size:
            given += cache.shrink(size - given)
    # without being told the C library keeps what was freed
    with contextlib.suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    return given
