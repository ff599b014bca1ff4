"""One vector for a text from the hidden states of its tokens, as llama.cpp pools them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from llmd.engine.bindings import Floats, Pooling


def pool(states: Floats, lengths: Iterable[int], kind: Pooling) -> list[Floats]:
    """Return a vector of shape (width,) for each text; the texts have so many of the `states`, of
    shape (tokens, width), one after the other. `kind` is MEAN, CLS (their first) or LAST.
    """
    found, at = [], 0
    for length in lengths:
        rows = states[at : at + length]
        at += length
        found.append({Pooling.CLS: rows[0], Pooling.LAST: rows[-1]}.get(kind, rows.mean(axis=0)))
    return found
