"""What every source of drafts offers, so that the speculator need not know how guesses are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from llmd.engine.bindings import Batch


class Trust(IntEnum):
    """Kinds of guesses whose success is counted apart; a lookup's grows with its match."""

    GUESS = 0
    """A copy that has just gone astray, and where it may go on."""
    NEAR = 1
    """The same, once one token was found where it may go on."""
    WEAK = 2
    FAIR = 3
    STRONG = 4
    MODEL = 5
    """The likeliest tokens by a model."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Tokens that may come next, likeliest continuation first to last."""

    tokens: list[int]
    trust: Trust

    def __bool__(self) -> bool:
        return bool(self.tokens)


class Drafter(Protocol):
    """Follows texts and proposes how they go on. Ids are the caller's; unknown ones are ignored."""

    def start(self, sequence: int, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Follow a text that begins with `tokens`, in place of any other under this id.

        `prediction` is what the caller expects the answer to be; it is no part of the text.
        """

    def propose(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Return a draft of at most so many tokens for each id, none where there is nothing to say;
        never raises: whoever cannot draft proposes nothing.
        """

    def observe(self, sequence: int, tokens: Sequence[int]) -> None:
        """Take the tokens that a text has really gone on with."""

    def decoded(self, batch: Batch, count: int, owners: Mapping[int, int]) -> None:
        """Look at what the target has just decoded: the first `count` entries of `batch`, in which
        llama.cpp's sequence ids stand; `owners` has the caller's ids for them. Comes before the
        tokens that follow are observed.
        """

    def stop(self, sequence: int) -> None:
        """Forget a text."""

    def close(self) -> None:
        """Free what it holds; it is unusable afterwards."""
