"""Forgets the middle of a context that is full, so that its answer can go on.

As llama.cpp's main example does it: what stands first is kept, the older half of the rest goes, and
positions behind it move up. Keys are rotated again for that; attention to what is gone stays in the
values, so that an answer after a shift is another one than it had been without.
"""

from __future__ import annotations

from llmd.engine.bindings import Context
from llmd.engine.kv_cache import KVCache
from llmd.engine.memory import Memory
from llmd.engine.sequence import Sequence

# share of the context that is never forgotten, so that a system prompt survives
_KEPT_SHARE = 4


def shift(
    sequence: Sequence, context: Context, memory: Memory, cache: KVCache, context_length: int
) -> None:
    """Forget the oldest half of a context, of so many tokens, behind its beginning.

    Cells that others refer to cannot be moved: where they reach beyond what is kept, what is left
    is read again; likewise where the model's positions cannot be moved.
    """
    keep = min(sequence.prompt_tokens, context_length // _KEPT_SHARE)
    drop = (context_length - keep) // 2
    del sequence.tokens[keep : keep + drop]
    sequence.dropped += drop
    shared = cache.leave_tree(sequence)
    if shared <= keep and context.can_shift and memory.cuts:
        context.remove(sequence.slot, keep, keep + drop)
        context.move(sequence.slot, keep + drop, -drop)
        sequence.cached -= drop
        sequence.shifted = True
    else:
        memory.trim(sequence.slot, 0)
        sequence.cached = 0
        sequence.shifted = False
