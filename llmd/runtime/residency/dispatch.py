"""Which of several workers of a model answers a request: the one that has its prefix, unless that
one has clearly more to do than others. Pure.
"""

from __future__ import annotations

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from llmd.protocol.requests import ChatPrompt, Prompt, TextPrompt, TokenPrompt

_REMEMBERED = 4096
_SLACK = 4
"""How many requests more than the least busy one a worker may have and still get its prefix."""
_TEXT = 1024
_TOKENS = 128
_OPENING = 2


class Dispatch:
    """Remembers which worker (by a number) read which beginning."""

    def __init__(self) -> None:
        self._readers: OrderedDict[bytes, int] = OrderedDict()

    def choose(self, loads: Mapping[int, int], keys: Sequence[bytes]) -> int:
        """Return the worker for a prompt; `loads` are the requests of each that can take one, and
        `keys` the prompt's beginnings, the longest first.
        """
        least = min(loads.values())
        chosen = None
        for key in keys:
            reader = self._readers.get(key)
            if reader is not None and loads.get(reader, sys.maxsize) <= least + _SLACK:
                chosen = reader
                break
        if chosen is None:
            chosen = min(loads, key=lambda number: (loads[number], number))
        for key in reversed(keys):
            self._readers[key] = chosen
            self._readers.move_to_end(key)
        while len(self._readers) > _REMEMBERED:
            self._readers.popitem(last=False)
        return chosen

    def clear(self) -> None:
        """All workers are new."""
        self._readers.clear()

    def forget(self, number: int) -> None:
        """A worker is gone with what it had read."""
        for key in [key for key, reader in self._readers.items() if reader == number]:
            del self._readers[key]


def beginnings(prompt: Prompt) -> list[bytes]:
    """Return what stands for the beginnings of a prompt, the longest first: a conversation is known
    by its first question, and shares its system prompt with others.
    """
    if isinstance(prompt, ChatPrompt):
        return [
            _digest(prompt.messages[:count], prompt.tools)
            for count in range(min(_OPENING, len(prompt.messages)), 0, -1)
        ]
    if isinstance(prompt, TextPrompt):
        return [_digest(prompt.text[:_TEXT])]
    if isinstance(prompt, TokenPrompt):
        return [_digest(prompt.tokens[:_TOKENS])]
    return [_digest(prompt.prefix[:_TEXT])]


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(parts), digest_size=16).digest()
