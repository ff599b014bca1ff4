"""Takes snapshots out of a context and puts them back, for every kind of memory.

A plain KV cache can be cut back to any length. Windowed layers are saved as far as the next token
looks back, one token more than the rule needs, and llama.cpp does not say when a cut went too far:
`floor` does. Recurrent states are of use at their own length and at checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmd.engine.bindings import Context, Model
from llmd.engine.cache_files.snapshot import Checkpoint, Snapshot


def take(
    context: Context,
    model: Model,
    sequence: int,
    tokens: Sequence[int],
    checkpoints: Iterable[Checkpoint] = (),
) -> Snapshot | None:
    """Return what `context` holds of a sequence that `tokens` were decoded into, all of them and
    nothing else, never shifted; None if that cannot be saved.
    """
    positions = context.last(sequence) + 1
    state = context.state_save(sequence)
    if not tokens or positions <= 0 or not state.nbytes:
        return None
    length = len(tokens)
    floor = length if positions != length else _floor(context, model, sequence, length)
    useful = [point for point in checkpoints if 0 < point.length < floor and positions == length]
    return Snapshot(tuple(tokens), positions, state, floor, tuple(useful))


def checkpoint(
    context: Context, model: Model, sequence: int, spare: int, length: int
) -> Checkpoint | None:
    """Return a checkpoint of an earlier `length` of a sequence whose windowed layers still hold
    what it takes, by way of an unused sequence; None otherwise, and for models with states, which
    must take theirs on the way.
    """
    window = model.swa_window
    if not window or model.is_recurrent or model.is_hybrid:
        return None
    if context.first(sequence) > max(0, length - window + 1) or context.last(sequence) < length:
        return None
    context.copy(sequence, spare, 0, length)
    state = context.state_save(spare, partial=True)
    context.remove(spare)
    return Checkpoint(length, state)


def restore(context: Context, sequence: int, snapshot: Snapshot, length: int) -> bool:
    """Make the first `length` tokens of a snapshot the content of a sequence; False, and an empty
    sequence, where the context has no room for it or `length` is none of those it can be taken up
    at (see `Reach`).
    """
    done = (
        context.state_load(sequence, snapshot.state)
        and context.last(sequence) + 1 == snapshot.positions
        and (length == len(snapshot.tokens) or _cut(context, sequence, snapshot, length))
    )
    if not done:
        context.remove(sequence)
    return done


def _cut(context: Context, sequence: int, snapshot: Snapshot, length: int) -> bool:
    if length < snapshot.floor:
        states = [point.state for point in snapshot.checkpoints if point.length == length]
        if not states or not context.state_load(sequence, states[0], partial=True):
            return False
    return context.remove(sequence, length, -1) and context.last(sequence) + 1 == length


def _floor(context: Context, model: Model, sequence: int, length: int) -> int:
    if model.is_recurrent or model.is_hybrid:
        return length
    if not model.swa_window:
        return 0
    first = max(context.first(sequence), length - model.swa_window)
    return first + model.swa_window - 1 if first > 0 else 0
