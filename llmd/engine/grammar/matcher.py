"""Follows one answer through its grammar: masks the tokens that may not come next.

The mask has one bit a token. A row of logits is changed on whichever side of it is smaller: the few
allowed ones are kept, or the few forbidden ones set to -inf, which costs 0.05 to 0.2 ms at 152k
tokens.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from llmd.errors import ConstraintRefused

if TYPE_CHECKING:  # importing llguidance takes 50 ms and 10 MB: only what compiles does
    from llguidance import LLMatcher, LLTokenizer

Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]

_WORD = 32
_ADVICE = re.compile("; (?:either|try|consider) .*")


class Matcher:
    """Where one answer stands in its grammar. Nothing is ever taken back: the caller passes only
    tokens that are part of the answer for good.
    """

    def __init__(self, state: LLMatcher, tokenizer: LLTokenizer) -> None:
        """Start from `state`, which is the caller's to give away, over this vocabulary."""
        self._state = state
        self._tokenizer = tokenizer
        self._size: int = tokenizer.vocab_size
        self._mask: Words = np.zeros(-(-self._size // _WORD), np.uint32)
        self._address = self._mask.ctypes.data
        self._forced: list[int] | None = None

    def forced(self) -> list[int]:
        """Return the tokens that must come next whatever the model says; often none."""
        if self._forced is None:
            if self._state.is_stopped() and not self._state.is_error():
                self._forced = [self._tokenizer.eos_token]
            else:
                self._forced = self._state.compute_ff_tokens()
        return self._forced

    def restrict(self, row: Floats) -> None:
        """Set the logits of all tokens that may not come next to -inf; `row` has shape
        (vocabulary,). Raise ConstraintRefused when no token may.
        """
        self._state.unsafe_compute_mask_ptr(self._address, self._mask.nbytes)
        allowed = self._allowed()
        count = np.count_nonzero(allowed)
        if self._state.is_error() or not count:
            raise self._stuck()
        if count * 2 <= self._size:
            kept = np.flatnonzero(allowed)
            logits = row[kept]
            row.fill(-np.inf)
            row[kept] = logits
        else:
            row[np.flatnonzero(~allowed)] = -np.inf

    def _allowed(self) -> npt.NDArray[np.bool_]:
        """Return the latest mask as one truth value a token."""
        bits = np.unpackbits(self._mask.view(np.uint8), count=self._size, bitorder="little")
        return bits.view(np.bool_)

    def settle(self, token: int) -> int:
        """Return `token` when the latest mask allows it, else the first that it does allow: a model
        may give every allowed token a logit of -inf.
        """
        word, bit = divmod(token, _WORD)
        if 0 <= token < self._size and int(self._mask[word]) >> bit & 1:
            return token
        return int(self._allowed().argmax())

    def consume(self, token: int) -> None:
        """Move on behind a token of the answer; raise ConstraintRefused when it does not fit."""
        if not self._state.consume_token(token):
            raise self._stuck()
        known = self._forced[1:] if self._forced and self._forced[0] == token else None
        self._forced = known or None

    def consume_text(self, text: bytes) -> None:
        """Move on behind text that was written before the grammar began to be enforced; raise
        ConstraintRefused when it does not fit.
        """
        tokens = self._tokenizer.tokenize_bytes(text)
        if self._state.try_consume_tokens(tokens) < len(tokens):
            raise self._stuck()
        self._forced = None

    def _stuck(self) -> ConstraintRefused:
        reason = first_line(self._state.get_error()) or "no token of the vocabulary can come next"
        return ConstraintRefused(
            f"The answer cannot go on under its constraint: {reason}.",
            hint="Simplify the schema or grammar.",
        )


def first_line(message: str) -> str:
    """Return what an error of llguidance says, without its advice to programmers and its dumps."""
    said = message.split("\n", 1)[0]
    return _ADVICE.sub("", said).strip().rstrip(".")
