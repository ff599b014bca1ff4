"""Guides made of others: two grammars of which an answer keeps to either, and one behind a head.

Two alternatives in one grammar would share its lexer, which takes the longest word and drops the
alternative that needs a shorter one; two grammars side by side lose nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import TypeVar

import numpy as np

from llmd.engine.grammar.matcher import Allowed, Guide, Matcher, stuck
from llmd.errors import ConstraintRefused

T = TypeVar("T")


class Alternatives:
    """Follows two grammars as long as the answer fits both, a `Guide`."""

    def __init__(self, first: Guide, second: Guide, decided: Callable[[], bool]) -> None:
        """`decided` says that the answer must go on as the first has it."""
        self._first = first
        self._left = [first, second]
        self._decided = decided

    def forced(self) -> list[int]:
        """Return the tokens that must come next; see `Guide`."""
        found = self._ask(lambda guide: guide.forced())
        # as far as all agree; every list is part of the whole that its grammar forces
        same = takewhile(lambda tokens: len(set(tokens)) == 1, zip(*found, strict=False))
        return found[0] if len(found) == 1 else [tokens[0] for tokens in same]

    def allowed(self) -> Allowed:
        """Return which tokens may come next; see `Guide`."""
        found = self._ask(lambda guide: guide.allowed())
        return found[0] if len(found) == 1 else found[0] | found[1]

    def consume(self, token: int) -> None:
        """Move on behind a token; see `Guide`."""
        self._ask(lambda guide: guide.consume(token))

    def consume_text(self, text: bytes) -> None:
        """Move on behind text; see `Guide`."""
        self._ask(lambda guide: guide.consume_text(text))

    def _ask(self, ask: Callable[[Guide], T]) -> list[T]:
        """Ask those that the answer fits so far; what refuses is not asked again. Raise
        ConstraintRefused when all refuse.
        """
        if len(self._left) > 1 and self._decided():
            self._left = [self._first]
        answers: list[T] = []
        for guide in self._left.copy():
            try:
                answers.append(ask(guide))
            except ConstraintRefused:
                if len(self._left) == 1:
                    raise
                self._left.remove(guide)
        return answers


class Headed:
    """Follows a grammar behind certain tokens, a `Guide`."""

    def __init__(self, head: Iterable[int], body: Matcher) -> None:
        self._head = deque(head)
        self._body = body

    def forced(self) -> list[int]:
        """Return the tokens that must come next; see `Guide`."""
        return list(self._head) or self._body.forced()

    def allowed(self) -> Allowed:
        """Return which tokens may come next; see `Guide`."""
        if not self._head:
            return self._body.allowed()
        allowed = np.zeros(self._body.size, np.bool_)
        allowed[self._head[0]] = True
        return allowed

    def consume(self, token: int) -> None:
        """Move on behind a token; see `Guide`."""
        if not self._head:
            self._body.consume(token)
        elif token == self._head[0]:
            self._head.popleft()
        else:
            raise stuck()

    def consume_text(self, text: bytes) -> None:
        """Move on behind text, which stands for the head as well; see `Guide`."""
        self._head.clear()
        self._body.consume_text(text)
