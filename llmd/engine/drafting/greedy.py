"""Picks the tokens of a model's draft: the likeliest, as long as it is likely enough.

A token that the drafting model itself doubts is seldom what the target says, and a row of the
target costs more than one of the drafting model.
"""

from __future__ import annotations

import numpy as np

from llmd.engine.bindings import Floats

_UNSURE = 0.4
_NEGLIGIBLE = 12.0
"""Logits so far below the best weigh nothing in its probability."""


def likeliest(row: Floats) -> int | None:
    """Return the token with the largest of these logits; None when its probability is low."""
    token = int(row.argmax())
    near = row[row > row[token] - _NEGLIGIBLE]
    return token if np.exp(near - row[token]).sum() < 1 / _UNSURE else None
