"""The compressed caches of DeepSeek 4, beside its windows: every 4th or 128th token of a layer adds
one more cell, and what is not compressed yet is kept as a state.

From src/llama-kv-cache-dsv4.cpp of the pinned llama.cpp.
"""

from __future__ import annotations

_INDEXED = 4
_RATIOS = (_INDEXED, 128)
_CELLS = 256


def compressed_elements(ratio: int, key: int, index: int) -> int:
    """Return the elements of one compressed cell; `key`: of a key, `index`: of a key of the index,
    which only the finer compression has.
    """
    if ratio not in _RATIOS:
        return 0
    return key + (index if ratio == _INDEXED else 0)


def compressed_state(ratio: int, key: int, index: int) -> int:
    """Return the elements of the state of one sequence."""
    if ratio == _INDEXED:
        # of two neighbouring groups of tokens, values and scores; the same for the index
        return 2 * (2 * ratio) * 2 * (key + index)
    return 2 * ratio * key if ratio in _RATIOS else 0


def compressed_cells(cells: int, ratio: int) -> int:
    """Return how many compressed cells stand beside so many cells."""
    return -(-max(1, -(-cells // ratio)) // _CELLS) * _CELLS if ratio in _RATIOS else 0
