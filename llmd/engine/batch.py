"""Writes a plan into llama.cpp's batch: decoding sequences first, then prompt chunks."""

from __future__ import annotations

from llmd.engine.bindings import Batch
from llmd.engine.plan import Chunk
from llmd.engine.sequence import Sequence

Rows = list[tuple[Sequence, int]]
"""Sequences with how many rows of logits they get, in the order of the rows."""


def again(batch: Batch, rows: Rows) -> int:
    """Write a plan of one token for each sequence once more; return its length."""
    end = len(rows)
    batch.tokens[:end] = [sequence.tokens[-1] for sequence, _ in rows]
    batch.positions[:end] += 1
    return end


def write(batch: Batch, chunks: list[Chunk]) -> tuple[int, Rows]:
    """Fill `batch`; return its length and whose logits it yields."""
    plain = [chunk.sequence for chunk in chunks if chunk.sequence.decoding and chunk.count == 1]
    end = len(plain)
    if plain:
        # one assignment per array: this runs in every step, for every sequence
        batch.tokens[:end] = [sequence.tokens[-1] for sequence in plain]
        batch.positions[:end] = [sequence.cached for sequence in plain]
        batch.sequences[:end] = [sequence.slot for sequence in plain]
        batch.outputs[:end] = 1
    rows = [(sequence, 1) for sequence in plain]
    for chunk in chunks:
        sequence, start = chunk.sequence, chunk.sequence.cached
        if sequence.decoding and chunk.count == 1:
            continue
        begin = end
        if sequence.decoding:
            tokens = [sequence.tokens[-1], *sequence.draft]
            end = batch.fill(end, tokens, start, sequence.slot)
            batch.outputs[begin:end] = 1
            rows.append((sequence, len(tokens)))
            continue
        tokens = sequence.tokens[start : start + chunk.count]
        end = batch.fill(end, tokens, start, sequence.slot)
        if chunk.last:
            batch.outputs[end - 1] = 1
            rows.append((sequence, 1))
    return end, rows
