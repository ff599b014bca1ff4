"""What the KV cache or the state of a model allows: which prefixes can be continued.

Three kinds behind one interface; `memory_for` reads from the model which one it gets. Attention
caches can be cut and shared at any token. Sliding-window layers may have dropped what lies before
their window, so each cut is checked. Recurrent and hybrid models keep one state per sequence that
cannot go back: prefixes are continued from where the state stands, or from checkpoints of the state
taken while the prompt was read (what llama-server calls context checkpoints).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from llmd.engine.bindings import Context, Model
from llmd.engine.bindings.library import Bytes

# a prompt that comes again, or with a changed last line, is continued from this far before its end
_BEFORE_END = 4
_EVERY = 512
_CHECKPOINTS_BYTES = 256 * 2**20


class Memory(Protocol):
    """Queries are free of effects; `share`, `trim` and `note` act on llama.cpp."""

    @property
    def cuts(self) -> bool:
        """Whether any suffix of a sequence can be given up."""

    def usable(self, holder: int, held: int, length: int) -> int:
        """Return the longest prefix, at most `length`, of a sequence of `held` tokens that another
        can go on from.
        """

    def share(self, source: int, target: int, length: int) -> bool:
        """Let `target`, which is empty or `source` itself, hold the first `length` tokens of
        `source`; False, and `target` empty, where that failed.
        """

    def trim(self, holder: int, length: int) -> None:
        """Give up what lies behind the first `length` tokens; all of it with 0."""

    def chunk_end(self, start: int, end: int) -> int:
        """Return where a chunk of a prompt that ends at `end` must stop at the latest."""

    def note(self, holder: int, length: int) -> None:
        """A chunk of a prompt was read: `holder` now holds `length` tokens."""

    def checkpoints(self, holder: int) -> dict[int, Bytes]:
        """Return the checkpoints of a sequence: tokens to the state after them."""

    def put_checkpoints(self, holder: int, states: dict[int, Bytes]) -> None:
        """Take checkpoints of a sequence that come from elsewhere."""


class AttentionMemory:
    """Plain attention; also multi-head latent attention."""

    cuts = True

    def __init__(self, context: Context) -> None:
        self._context = context

    def usable(self, holder: int, held: int, length: int) -> int:
        """Any prefix."""
        del holder
        return min(held, length)

    def share(self, source: int, target: int, length: int) -> bool:
        """Tag the cells with a second sequence."""
        self._context.copy(source, target, 0, length)
        return True

    def trim(self, holder: int, length: int) -> None:
        """Remove the cells of a suffix."""
        self._context.remove(holder, length or -1, -1)

    def chunk_end(self, start: int, end: int) -> int:
        """Nowhere in particular."""
        del start
        return end

    def note(self, holder: int, length: int) -> None:
        """Nothing to do."""

    def checkpoints(self, holder: int) -> dict[int, Bytes]:
        """None are needed."""
        del holder
        return {}

    def put_checkpoints(self, holder: int, states: dict[int, Bytes]) -> None:
        """Nothing to do."""


class WindowMemory(AttentionMemory):
    """Layers that attend to a window only may have reused the cells before it."""

    def __init__(self, context: Context, window: int) -> None:
        super().__init__(context)
        self._window = window

    def usable(self, holder: int, held: int, length: int) -> int:
        """Any prefix whose last window is still there."""
        length = min(held, length)
        return length if self._context.first(holder) <= max(0, length - self._window + 1) else 0


class StateMemory:
    """Recurrent and hybrid models: the state of the end, and checkpoints on the way."""

    cuts = False

    def __init__(
        self, context: Context, limit_bytes: int = _CHECKPOINTS_BYTES, every: int = _EVERY
    ) -> None:
        self._context = context
        self._limit = limit_bytes
        self._every = every
        self._checkpoints: OrderedDict[tuple[int, int], Bytes] = OrderedDict()
        """(sequence id, tokens) to the state after them; the oldest first."""

    def usable(self, holder: int, held: int, length: int) -> int:
        """The whole of it if the state still stands there, or up to the last checkpoint."""
        if held <= length and self._context.last(holder) + 1 == held:
            return held
        length = min(held, length)
        places = (at for who, at in self._checkpoints if who == holder and at <= length)
        return max(places, default=0)

    def share(self, source: int, target: int, length: int) -> bool:
        """Copy the whole, then go back to the checkpoint; in place where source is target."""
        if source != target:
            self._context.copy(source, target)
            self._inherit(source, target, length)
        if self._context.last(target) + 1 == length:
            return True
        state = self._checkpoints.get((target, length))
        # the state first: while it stands behind a position, nothing before it can be removed
        done = (
            state is not None
            and self._context.state_load(target, state, partial=True)
            and self._context.remove(target, length, -1)
        )
        if not done:
            self._empty(target)
        return done

    def trim(self, holder: int, length: int) -> None:
        """Give up all; a part only where a checkpoint stands."""
        if length:
            self.share(holder, holder, length)
        else:
            self._empty(holder)

    def chunk_end(self, start: int, end: int) -> int:
        """Stop at the next place for a checkpoint."""
        regular = (start // self._every + 1) * self._every
        late = end - _BEFORE_END
        return min(place for place in (regular, late, end) if place > start)

    def note(self, holder: int, length: int) -> None:
        """Take a checkpoint."""
        self._checkpoints[holder, length] = self._context.state_save(holder, partial=True)
        self._bound()

    def checkpoints(self, holder: int) -> dict[int, Bytes]:
        """Those that are left."""
        return {at: state for (who, at), state in self._checkpoints.items() if who == holder}

    def put_checkpoints(self, holder: int, states: dict[int, Bytes]) -> None:
        """Keep them with the others."""
        for at, state in states.items():
            self._checkpoints[holder, at] = state
        self._bound()

    def _empty(self, holder: int) -> None:
        self._context.remove(holder)
        for key in [key for key in self._checkpoints if key[0] == holder]:
            del self._checkpoints[key]

    def _inherit(self, source: int, target: int, length: int) -> None:
        for who, at in list(self._checkpoints):
            if who == source and at <= length:
                self._checkpoints[target, at] = self._checkpoints[source, at]

    def _bound(self) -> None:
        # states are shared between keys, so count each once
        sizes = {id(state): state.nbytes for state in self._checkpoints.values()}
        while sum(sizes.values()) > self._limit and len(self._checkpoints) > 1:
            _, state = self._checkpoints.popitem(last=False)
            if all(kept is not state for kept in self._checkpoints.values()):
                del sizes[id(state)]


def memory_for(model: Model, context: Context) -> Memory:
    """Return the interface to this model's memory."""
    if model.is_recurrent or model.is_hybrid:
        return StateMemory(context)
    if model.swa_window:
        return WindowMemory(context, model.swa_window)
    return AttentionMemory(context)
