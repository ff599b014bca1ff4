"""A sampler that keeps to a grammar: the grammar says which tokens may come next, and the wrapped
sampler chooses among them.

Tokens that the grammar forces are taken without looking at the logits. End tokens may come exactly
where the grammar is complete; where it can only end, one comes at once, `ignore_eos` or not. What
comes before the grammar begins, such as reasoning, is the business of llmd/engine/forcing.py.
"""

from __future__ import annotations

from typing import Protocol

from llmd.engine.bindings import Floats
from llmd.engine.grammar.matcher import Guide, restrict, settle
from llmd.engine.sampling import Sampler


class Ends(Protocol):
    """What the sampler needs of a vocabulary."""

    end_tokens: frozenset[int]


class ConstrainedSampler:
    """Chooses as the wrapped sampler does, among the tokens that the grammar allows."""

    def __init__(self, inner: Sampler, guide: Guide, vocab: Ends) -> None:
        """Wrap `inner`, which is closed with this."""
        self._inner = inner
        self._guide = guide
        self._ends = vocab.end_tokens

    def choose(self, row: Floats) -> int:
        """Return the next token; overwrites `row`. Raise ConstraintRefused when the grammar leaves
        no way on: the answer must end with that error.
        """
        if forced := self._guide.forced():
            token = forced[0]
            self._inner.accept(token)
        else:
            allowed = self._guide.allowed()
            restrict(row, allowed)
            token = settle(self._inner.choose(row), allowed)
        self._follow(token)
        return token

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose as part of the answer; raise ConstraintRefused
        when the grammar does not allow it.
        """
        self._inner.accept(token)
        self._follow(token)

    def ahead(self, limit: int) -> list[int]:
        """Return at most `limit` tokens that `choose` will return next, whatever the logits: a
        draft that is always accepted.
        """
        return self._guide.forced()[:limit]

    def close(self) -> None:
        """Close the wrapped sampler."""
        self._inner.close()

    def _follow(self, token: int) -> None:
        if token not in self._ends:
            self._guide.consume(token)
