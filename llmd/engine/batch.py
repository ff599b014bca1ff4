"""Writes a plan into llama.cpp's batch: decoding sequences first, as whole-array assignments, then
prompt chunks.
"""

from __future__ import annotations

from llmd.engine.bindings import Batch
from llmd.engine.scheduler import Chunk
from llmd.engine.sequence import Sequence


def write(batch: Batch, chunks: list[Chunk]) -> tuple[int, list[Sequence]]:
    """Fill `batch`; return its length and the sequences whose logits it yields, in the order of the
    rows.
    """
    decoding = [chunk.sequence for chunk in chunks if chunk.sequence.decoding]
    end = len(decoding)
    if decoding:
        batch.tokens[:end] = [sequence.tokens[-1] for sequence in decoding]
        batch.positions[:end] = [sequence.cached for sequence in decoding]
        batch.sequences[:end] = [sequence.slot for sequence in decoding]
        batch.outputs[:end] = 1
    rows = decoding
    for chunk in chunks[len(decoding) :]:
        sequence = chunk.sequence
        start = sequence.cached
        end = batch.fill(end, sequence.tokens[start : start + chunk.count], start, sequence.slot)
        if chunk.last:
            batch.outputs[end - 1] = 1
            rows.append(sequence)
    return end, rows
