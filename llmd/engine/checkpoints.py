"""States of sequences at earlier lengths, to go back to where a memory cannot be cut."""

from __future__ import annotations

from collections import OrderedDict

from llmd.engine.bindings.library import Bytes


class Checkpoints:
    """What was saved of each sequence at which of its lengths; beyond `limit_bytes`, and one, the
    oldest go. Sequences that begin alike share what they have in common.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._states: dict[int, dict[int, Bytes]] = {}
        """Sequence id to tokens to the state after them: each step asks, for some sequences."""
        self._ages: OrderedDict[tuple[int, int], None] = OrderedDict()
        """(sequence id, tokens), the oldest first."""

    def put(self, holder: int, length: int, state: Bytes) -> None:
        """Keep the state of a sequence after its first `length` tokens."""
        self._keep(holder, length, state)
        # states are shared between sequences, so count each once
        users: dict[int, int] = {}
        size = 0
        for who, at in self._ages:
            kept = self._states[who][at]
            users[id(kept)] = users.get(id(kept), 0) + 1
            size += kept.nbytes if users[id(kept)] == 1 else 0
        while size > self._limit and len(self._ages) > 1:
            oldest = self._remove(*next(iter(self._ages)))
            users[id(oldest)] -= 1
            size -= 0 if users[id(oldest)] else oldest.nbytes

    def get(self, holder: int, length: int) -> Bytes | None:
        """Return the state of a sequence at a length; None: there is none."""
        return self._states.get(holder, {}).get(length)

    def longest(self, holder: int, most: int) -> int:
        """Return the greatest length, at most `most`, that there is a state for; 0: none."""
        return max((at for at in self._states.get(holder, ()) if at <= most), default=0)

    def of(self, holder: int) -> dict[int, Bytes]:
        """Return those of a sequence: tokens to the state after them."""
        return dict(self._states.get(holder, {}))

    def inherit(self, source: int, target: int, most: int) -> None:
        """Let a sequence that begins with the first `most` tokens of another have their states."""
        for at, state in self.of(source).items():
            if at <= most:
                self._keep(target, at, state)

    def forget(self, holder: int, length: int = 0) -> None:
        """Give up the states of a sequence behind its first `length` tokens."""
        for at in [at for at in self._states.get(holder, ()) if at > length]:
            self._remove(holder, at)

    def _keep(self, holder: int, length: int, state: Bytes) -> None:
        self._states.setdefault(holder, {})[length] = state
        self._ages[holder, length] = None

    def _remove(self, holder: int, length: int) -> Bytes:
        del self._ages[holder, length]
        return self._states[holder].pop(length)
