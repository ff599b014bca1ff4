"""How many bytes the cache of a model takes as llama.cpp allocates it: arithmetic on Facts."""

from __future__ import annotations

from fractions import Fraction

from llmd.models.gguf.compression import compressed_cells
from llmd.models.gguf.facts import Facts

ELEMENT = {"f16": Fraction(2), "q8_0": Fraction(34, 32), "q4_0": Fraction(18, 32)}
"""Bytes of an element, by type of the cache."""

_STATE_ELEMENT = 4


def cache_size(
    facts: Facts, cells: int, kv_type: str, sequences: int = 1, *, narrow: bool = False
) -> int:
    """Return the bytes of the cache with so many cells (tokens of all sequences together), and of
    the states of so many sequences; windowed layers hold all cells, or if `narrow` those of a
    window of each sequence.
    """
    window = min(cells, facts.window * sequences) if narrow else cells
    elements = sum(
        (layer.cached_keys + layer.cached_values + layer.cached_index)
        * (window if layer.windowed else cells)
        + layer.compressed * compressed_cells(cells, layer.compression)
        for layer in facts.layers
    )
    streams = sequences if facts.separate_streams else 1
    state = sum(layer.state for layer in facts.layers) * _STATE_ELEMENT * sequences
    return int(elements * streams * ELEMENT[kv_type]) + state
