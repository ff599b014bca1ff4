"""What the KV cache or the state of a model allows: which prefixes can be continued.

One interface; `memory_for` reads from the model which kind it gets. Attention caches can be cut and
shared at any token. Sliding-window layers may have dropped what lies before their window, so each
cut is checked, and checkpoints bring windows back. Recurrent and hybrid models keep one state per
sequence that cannot go back: prefixes are continued from where the state stands, or from
checkpoints of the state taken while the prompt was read (what llama-server calls context
checkpoints).
"""

from __future__ import annotations

from typing import Protocol

from llmd.engine.bindings import Context, Model
from llmd.engine.bindings.library import Bytes
from llmd.engine.checkpoints import Checkpoints

# a prompt that comes again, or with a changed last line, is continued from this far before its end
_BEFORE_END = 4
_EVERY = 512
# windows up to this size are saved for every prompt: some tens of milliseconds at most
_QUICK_BYTES = 64 * 2**20


class Memory(Protocol):
    """Queries are free of effects; `share`, `trim` and `note` act on llama.cpp."""

    @property
    def cuts(self) -> bool:
        """Whether any suffix of a sequence can be given up."""

    @property
    def notes_ends(self) -> bool:
        """Whether it wants to know that a prompt was read to its end."""

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
    notes_ends = False

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


class _Checkpointed:
    """What memories with checkpoints do alike."""

    def __init__(self, context: Context, limit_bytes: int) -> None:
        self._context = context
        self._checkpoints = Checkpoints(limit_bytes)

    def note(self, holder: int, length: int) -> None:
        """Take a checkpoint."""
        self._save(holder, length)

    def checkpoints(self, holder: int) -> dict[int, Bytes]:
        """Those that are left."""
        return self._checkpoints.of(holder)

    def put_checkpoints(self, holder: int, states: dict[int, Bytes]) -> None:
        """Keep them with the others."""
        for at, state in states.items():
            self._checkpoints.put(holder, at, state)

    def _save(self, holder: int, length: int) -> Bytes:
        state = self._context.state_save(holder, partial=True)
        self._checkpoints.put(holder, length, state)
        return state


class WindowMemory(_Checkpointed):
    """Layers that attend to a window only: llama.cpp reuses the cells before it, sooner or later.

    What a window has left behind is brought back from a checkpoint: that of the end of a prompt,
    until a window turns out too large to be copied in no time, and those of places that another
    prompt could not go on from. Cells that sequences share are never reused. Where there are cells
    for a window of each sequence and no more (`narrow`), sequences share those of the other layers,
    and each has a window of its own.
    """

    cuts = True

    def __init__(
        self, context: Context, window: int, limit_bytes: int, *, narrow: bool = False
    ) -> None:
        super().__init__(context, limit_bytes)
        self._window = window
        self._narrow = narrow
        self.notes_ends = True

    def note(self, holder: int, length: int) -> None:
        """Take a checkpoint, and learn from it how large windows are."""
        state = self._save(holder, length)
        self.notes_ends = self.notes_ends and state.nbytes <= _QUICK_BYTES

    def usable(self, holder: int, held: int, length: int) -> int:
        """Any prefix whose last window is still there, or up to the last checkpoint."""
        length = min(held, length)
        if self._is_whole(holder, length):
            return length
        # llama.cpp saves a token more than the next one looks back to
        return min(self._checkpoints.longest(holder, length + 1), length)

    def share(self, source: int, target: int, length: int) -> bool:
        """Tag the cells with a second sequence, and copy the window where that must be."""
        whole = self._is_whole(source, length)
        self._context.copy(source, target, 0, length)
        self._checkpoints.inherit(source, target, length)
        if whole and not self._narrow:
            return True
        if whole:
            state: Bytes | None = self._context.state_save(target, partial=True)
        else:
            state = self._checkpoints.get(source, length)
            if state is None:
                state = self._checkpoints.get(source, length + 1)
        done = (
            state is not None
            and self._context.state_load(target, state, partial=True)
            and self._context.remove(target, length, -1)
            and self._is_whole(target, length)
        )
        if not done:
            self.trim(target, 0)
        return done

    def trim(self, holder: int, length: int) -> None:
        """Remove the cells of a suffix, and its checkpoints."""
        self._context.remove(holder, length or -1, -1)
        self._checkpoints.forget(holder, length)

    def chunk_end(self, start: int, end: int) -> int:
        """Nowhere in particular."""
        del start
        return end

    def _is_whole(self, holder: int, length: int) -> bool:
        """Whether the window before the token that follows `length` others is still there."""
        first, last = self._context.first(holder), self._context.last(holder)
        return first <= max(0, length - self._window + 1) and last + 1 >= length


class StateMemory(_Checkpointed):
    """Recurrent and hybrid models: the state of the end, and checkpoints on the way."""

    cuts = False
    notes_ends = False

    def __init__(self, context: Context, limit_bytes: int, every: int = _EVERY) -> None:
        super().__init__(context, limit_bytes)
        self._every = every

    def usable(self, holder: int, held: int, length: int) -> int:
        """The whole of it if the state still stands there, or up to the last checkpoint."""
        if held <= length and self._context.last(holder) + 1 == held:
            return held
        return self._checkpoints.longest(holder, min(held, length))

    def share(self, source: int, target: int, length: int) -> bool:
        """Copy the whole, then go back to the checkpoint; in place where source is target."""
        if source != target:
            self._context.copy(source, target)
            self._checkpoints.inherit(source, target, length)
        if self._context.last(target) + 1 == length:
            return True
        state = self._checkpoints.get(target, length)
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

    def _empty(self, holder: int) -> None:
        self._context.remove(holder)
        self._checkpoints.forget(holder)


def memory_for(model: Model, context: Context, limit_bytes: int, *, narrow: bool = False) -> Memory:
    """Return the interface to this model's memory, with checkpoints of so many bytes, or one;
    `narrow`: windowed layers have cells for windows only.
    """
    if model.is_recurrent or model.is_hybrid:
        return StateMemory(context, limit_bytes)
    if not model.swa_window:
        return AttentionMemory(context)
    return WindowMemory(context, model.swa_window, limit_bytes, narrow=narrow)
