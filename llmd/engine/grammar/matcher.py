"""Follows one answer through its grammar: masks the tokens that may not come next.

The mask has one bit a token. A row of logits is changed on whichever side of it is smaller: the few
allowed ones are kept, or the few forbidden ones set to -inf, which costs 0.05 to 0.2 ms at 152k
tokens.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from llmd.errors import ConstraintRefused

if TYPE_CHECKING:  # importing llguidance takes 50 ms and 10 MB: only what compiles does
    from llguidance import LLMatcher, LLTokenizer

Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]
Allowed = npt.NDArray[np.bool_]
"""One truth value a token."""

_WORD = 32
_ADVICE = re.compile("; (?:either|try|consider) .*")


class Guide(Protocol):
    """Says where one answer may go on. Nothing is ever taken back: the caller passes only tokens
    that are part of the answer for good.
    """

    def forced(self) -> list[int]:
        """Return the tokens that must come next whatever the model says; often none."""

    def allowed(self) -> Allowed:
        """Return which tokens may come next; raise ConstraintRefused when none may."""

    def consume(self, token: int) -> None:
        """Move on behind a token of the answer; raise ConstraintRefused when it does not fit."""

    def consume_text(self, text: bytes) -> None:
        """Move on behind text that was written before the grammar began to be enforced; raise
        ConstraintRefused when it does not fit.
        """


class Matcher:
    """Where one answer stands in its grammar, a `Guide`."""

    def __init__(self, state: LLMatcher, tokenizer: LLTokenizer) -> None:
        """Start from `state`, which is the caller's to give away, over this vocabulary."""
        self._state = state
        self._tokenizer = tokenizer
        self._size: int = tokenizer.vocab_size
        self._mask: Words = np.zeros(-(-self._size // _WORD), np.uint32)
        self._address = self._mask.ctypes.data
        self._forced: list[int] | None = None
        self.following = False
        """Whether there was text to follow, and all of it fits."""

    @property
    def size(self) -> int:
        """Tokens of the vocabulary."""
        return self._size

    def restart(self) -> None:
        """Go back to where the grammar begins."""
        self._state.reset()
        self._forced = None
        self.following = False

    def forced(self) -> list[int]:
        """Return the tokens that must come next; see `Guide`."""
        if self._forced is None:
            if self._complete():
                self._forced = [self._tokenizer.eos_token]
            else:
                self._forced = self._state.compute_ff_tokens()
        return self._forced

    def allowed(self) -> Allowed:
        """Return which tokens may come next; see `Guide`."""
        self._state.unsafe_compute_mask_ptr(self._address, self._mask.nbytes)
        bits = np.unpackbits(self._mask.view(np.uint8), count=self._size, bitorder="little")
        if self._state.is_error() or not bits.any():
            raise self._stuck()
        return bits.view(np.bool_)

    def consume(self, token: int) -> None:
        """Move on behind a token; see `Guide`."""
        # what is only tried spoils nothing when it is refused: the grammar can begin anew
        if not self._state.try_consume_tokens([token]):
            raise self._stuck("the text does not fit")
        known = self._forced[1:] if self._forced and self._forced[0] == token else None
        self._forced = known or None
        self.following = True

    def consume_text(self, text: bytes) -> None:
        """Move on behind text, control tokens as their text; see `Guide`."""
        tokens = self._tokenizer.tokenize_bytes(text, parse_special=True)
        if self._state.try_consume_tokens(tokens) < len(tokens):
            raise self._stuck("the text does not fit")
        self._forced = None
        self.following = True

    def _complete(self) -> bool:
        """Whether nothing but the end can come."""
        return self._state.is_stopped() and not self._state.is_error()

    def _stuck(self, reason: str = "") -> ConstraintRefused:
        self.following = False
        return stuck(first_line(self._state.get_error()) or reason)


def stuck(reason: str = "") -> ConstraintRefused:
    """Return the error of an answer that its grammar leaves no way on."""
    return ConstraintRefused(
        "The answer cannot go on under its constraint:"
        f" {reason or 'no token of the vocabulary can come next'}.",
        hint="Simplify the schema or grammar.",
    )


def restrict(row: Floats, allowed: Allowed) -> None:
    """Set the logits of all tokens that are not allowed to -inf; `row` has shape (vocabulary,)."""
    if np.count_nonzero(allowed) * 2 <= len(allowed):
        kept = np.flatnonzero(allowed)
        logits = row[kept]
        row.fill(-np.inf)
        row[kept] = logits
    else:
        row[np.flatnonzero(~allowed)] = -np.inf


def settle(token: int, allowed: Allowed) -> int:
    """Return `token` when it is allowed, else the first that is: a model may give every allowed
    token a logit of -inf.
    """
    if 0 <= token < len(allowed) and allowed[token]:
        return token
    return int(allowed.argmax())


def first_line(message: str) -> str:
    """Return what an error of llguidance says, without its advice to programmers and its dumps."""
    said = message.split("\n", 1)[0]
    return _ADVICE.sub("", said).strip().rstrip(".")
