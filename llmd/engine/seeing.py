"""Reads one picture or sound into the KV cache: a decode call of its own, before the step's other
one.
"""

from __future__ import annotations

from llmd.engine.bindings import Context, Projector
from llmd.engine.kv_cache import KVCache
from llmd.engine.memory import Memory
from llmd.engine.plan import Chunk


def see(
    projector: Projector | None, context: Context, memory: Memory, cache: KVCache, chunk: Chunk
) -> int:
    """Decode the patch a sequence has come to; return llama.cpp's status.

    0: `cached` has advanced. Otherwise the sequence stands where it did, or, where the memory
    cannot go back, at its beginning.
    """
    sequence, span = chunk.sequence, chunk.sequence.patch
    assert span is not None  # noqa: S101  so it was planned
    assert projector is not None  # noqa: S101  what made the span
    status = projector.decode(context, span.patch, span.embeddings, span.start, sequence.slot)
    if status == 0:
        sequence.cached += chunk.count
        cache.swell(sequence.slot, span.extra)
        cache.read(sequence, stop=chunk.stop)
    elif memory.cuts:
        # some of it may be there
        memory.trim(sequence.slot, sequence.cached)
    else:
        cache.restart(sequence)
    return status
