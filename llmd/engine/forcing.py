"""Samplers that take over from the model at certain places of an answer: they end reasoning that
takes too long, hand over to a grammar where one begins, and end answers that hold all they may.

All of them wrap a free sampler and watch the tokens that are chosen; none takes anything back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from llmd.engine.bindings import Floats
from llmd.engine.grammar.gate import TextGate
from llmd.engine.sampling import Sampler
from llmd.errors import ConstraintRefused


class Pieces(Protocol):
    """What the samplers need of a vocabulary."""

    end_tokens: frozenset[int]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token."""


class Follower(Protocol):
    """A grammar that moves on behind text that it did not choose."""

    def consume(self, token: int) -> None:
        """Move on behind a token."""

    def consume_text(self, text: bytes) -> None:
        """Move on behind plain text."""


class Restarting(Follower, Protocol):
    """A grammar that can begin anew."""

    def restart(self) -> None:
        """Go back to where the grammar begins."""


@dataclass(frozen=True, slots=True)
class ReasoningPlan:
    """How reasoning goes before a grammar begins."""

    closings: tuple[str, ...] = ()
    """Texts that end it."""
    opened: bool = False
    """Whether the prompt ends inside it."""
    opening: tuple[int, ...] = ()
    """Tokens with which the model begins it by itself."""
    always: bool = False
    """Whether every answer begins with it."""
    then: tuple[int, ...] = ()
    """Tokens forced behind its end."""
    never: tuple[int, ...] = ()
    """Tokens that may not come while it lasts."""


class ReasoningSampler:
    """Chooses freely while the model reasons, and with another sampler behind that."""

    def __init__(
        self,
        free: Sampler,
        after: Sampler,
        pieces: Pieces,
        plan: ReasoningPlan,
        follower: Follower | None = None,
    ) -> None:
        """Wrap two samplers that wrap the same one; `follower` is the grammar of `after`."""
        self._free = free
        self._after = after
        self._pieces = pieces
        self._plan = plan
        self._follower = follower
        self._gate = TextGate(plan.closings)
        self._never = np.array(plan.never, np.int64)
        self._forced: deque[int] = deque()
        self._started = False
        self._reasoning = False

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`."""
        if not self._started:
            self._start(int(row.argmax()))
        if self._forced:
            token = self._forced.popleft()
            self._free.accept(token)
        elif not self._reasoning:
            return self._after.choose(row)
        else:
            row[self._never] = -np.inf
            token = self._free.choose(row)
        self._watch(token)
        return token

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose."""
        if not self._started:
            self._start(token)
        if not self._reasoning and not self._forced:
            self._after.accept(token)
            return
        if self._forced:
            self._forced.popleft()
        self._free.accept(token)
        self._watch(token)

    def close(self) -> None:
        """Close the samplers."""
        self._after.close()

    def _start(self, likeliest: int) -> None:
        """See whether the answer begins with reasoning: where that is the model's own choice, it is
        taken to want it if nothing is likelier.
        """
        plan = self._plan
        self._started = True
        wanted = plan.always or plan.opening[:1] == (likeliest,)
        self._reasoning = plan.opened or wanted
        if self._reasoning and not plan.opened:
            self._forced.extend(plan.opening)

    def _watch(self, token: int) -> None:
        if not self._reasoning:
            return
        rest = self._gate.push(self._pieces.piece(token, special=True))
        if rest is None:
            return
        self._reasoning = False
        self._forced.extend(self._plan.then)
        if self._follower and (rest := rest.lstrip()):
            self._follower.consume_text(rest)


class BudgetSampler:
    """Ends reasoning that takes too long."""

    def __init__(
        self, inner: Sampler, thinking: Callable[[], bool], budget: int, end: Sequence[int]
    ) -> None:
        """Count tokens chosen while `thinking` says so; behind `budget` of them force `end`."""
        self._inner = inner
        self._thinking = thinking
        self._left = budget
        self._end = end
        self._forced: deque[int] = deque()
        self._used_up = False

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`."""
        if not self._used_up and self._thinking():
            self._used_up = self._left <= 0
            self._left -= 1
            if self._used_up:
                self._forced.extend(self._end)
        if not self._forced:
            return self._inner.choose(row)
        token = self._forced.popleft()
        self._inner.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose."""
        self._left -= self._thinking()
        self._inner.accept(token)

    def close(self) -> None:
        """Close the wrapped sampler."""
        self._inner.close()


class TriggeredSampler:
    """Chooses freely until a text appears, and with a constrained sampler from there on."""

    def __init__(
        self,
        free: Sampler,
        constrained: Sampler,
        pieces: Pieces,
        gate: TextGate,
        follower: Follower,
    ) -> None:
        """Wrap `free`, which `constrained` wraps too; its grammar `follower` begins with the text
        that opens the gate.
        """
        self._free = free
        self._constrained = constrained
        self._pieces = pieces
        self._gate: TextGate | None = gate
        self._follower = follower

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`."""
        if self._gate is None:
            return self._constrained.choose(row)
        token = self._free.choose(row)
        self._watch(token)
        return token

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose."""
        if self._gate is None:
            self._constrained.accept(token)
            return
        self._free.accept(token)
        self._watch(token)

    def close(self) -> None:
        """Close both samplers."""
        self._constrained.close()

    def _watch(self, token: int) -> None:
        if self._gate is None:
            return
        piece = self._pieces.piece(token, special=True)
        rest = self._gate.push(piece)
        if rest is None:
            return
        found, self._gate = self._gate.found, None
        _enter(self._follower, token, piece, found + rest, found)


class Candidate:
    """What may be a call: the beginning of an answer, and what stands behind certain texts."""

    def __init__(self, pieces: Pieces, texts: Sequence[str], follower: Restarting) -> None:
        """Look for `texts`; the grammar `follower` may begin with any of them."""
        self._pieces = pieces
        self._texts = texts
        self._gate = TextGate(texts)
        self._follower = follower
        self.fits = True
        """Whether all of it fits the grammar so far."""

    def push(self, token: int) -> bool:
        """Take one more token; return whether a candidate begins with it."""
        piece = self._pieces.piece(token, special=True)
        rest = self._gate.push(piece)
        found = self._gate.found
        if rest is not None:
            self._gate = TextGate(self._texts)
        self.fits = self.fits and _fits(lambda: self._follower.consume(token))
        if rest is None or self.fits:
            return False
        self._follower.restart()
        self.fits = _fits(lambda: _enter(self._follower, token, piece, found + rest, found))
        return True


class FollowedSampler:
    """Chooses freely while a grammar follows what may be a call. Where it proves to be one, the
    grammar takes over.
    """

    def __init__(
        self,
        free: Sampler,
        constrained: Sampler,
        candidate: Candidate,
        calls: Callable[[], int],
    ) -> None:
        """Wrap `free`, which `constrained` wraps too; `calls` counts the calls that the answer was
        found to hold.
        """
        self._free = free
        self._constrained = constrained
        self._candidate = candidate
        self._calls = calls
        self._before = 0
        self._called = False

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`."""
        if self._taken_over():
            return self._constrained.choose(row)
        token = self._free.choose(row)
        self._watch(token)
        return token

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose."""
        if self._taken_over():
            self._constrained.accept(token)
            return
        self._free.accept(token)
        self._watch(token)

    def close(self) -> None:
        """Close both samplers."""
        self._constrained.close()

    def _taken_over(self) -> bool:
        proven = self._candidate.fits and self._calls() > self._before
        self._called = self._called or proven
        return self._called

    def _watch(self, token: int) -> None:
        if self._candidate.push(token):
            self._before = self._calls()


def _fits(follow: Callable[[], None]) -> bool:
    try:
        follow()
    except ConstraintRefused:
        return False
    return True


def _enter(follower: Follower, token: int, piece: bytes, text: bytes, found: bytes) -> None:
    """Have a grammar begin with the text that was found, which may be one token."""
    if piece == found:
        follower.consume(token)
    else:
        follower.consume_text(text)


class EndingSampler:
    """Ends an answer as soon as it holds all that it may."""

    def __init__(self, inner: Sampler, ended: Callable[[], bool], end: int) -> None:
        """Return `end` instead of asking `inner` once `ended` says so."""
        self._inner = inner
        self._ended = ended
        self._end = end

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`."""
        return self._end if self._ended() else self._inner.choose(row)

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose."""
        self._inner.accept(token)

    def close(self) -> None:
        """Close the wrapped sampler."""
        self._inner.close()
