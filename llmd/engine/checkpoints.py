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
        self._states: OrderedDict[tuple[int, int], Bytes] = OrderedDict()
        """(sequence id, tokens) to the state after them; the oldest first."""

    def put(self, holder: int, length: int, state: Bytes) -> None:
        """Keep the state of a sequence after its first `length` tokens."""
        self._states[holder, length] = state
        # states are shared between keys, so count each once
        sizes = {id(state): state.nbytes for state in self._states.values()}
        while sum(sizes.values()) > self._limit and len(self._states) > 1:
            _, state = self._states.popitem(last=False)
            if all(kept is not state for kept in self._states.values()):
                del sizes[id(state)]

    def get(self, holder: int, length: int) -> Bytes | None:
        """Return the state of a sequence at a length; None: there is none."""
        return self._states.get((holder, length))

    def longest(self, holder: int, most: int) -> int:
        """Return the greatest length, at most `most`, that there is a state for; 0: none."""
        places = (at for who, at in self._states if who == holder and at <= most)
        return max(places, default=0)

    def of(self, holder: int) -> dict[int, Bytes]:
        """Return those of a sequence: tokens to the state after them."""
        return {at: state for (who, at), state in self._states.items() if who == holder}

    def inherit(self, source: int, target: int, most: int) -> None:
        """Let a sequence that begins with the first `most` tokens of another have their states."""
        for who, at in list(self._states):
            if who == source and at <= most:
                self._states[target, at] = self._states[source, at]

    def forget(self, holder: int, length: int = 0) -> None:
        """Give up the states of a sequence behind its first `length` tokens."""
        for who, at in list(self._states):
            if who == holder and at > length:
                del self._states[who, at]
