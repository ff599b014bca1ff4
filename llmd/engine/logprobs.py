"""Log-probabilities of tokens under the model's unmodified distribution."""

from __future__ import annotations

import numpy as np

from llmd.engine.bindings import Floats, Vocab
from llmd.protocol.events import TokenLogprob


def explain(row: Floats, token: int, alternatives: int, vocab: Vocab) -> TokenLogprob:
    """Return the log-probability of `token` and of the likeliest `alternatives`; `row` has shape
    (vocabulary,).
    """
    top = float(row.max())
    log_sum = top + float(np.log(np.exp(row - top).sum(dtype=np.float64)))
    ids = (
        np.argpartition(row, -alternatives)[-alternatives:]
        if alternatives
        else np.empty(0, np.int64)
    )
    ids = ids[np.argsort(-row[ids], kind="stable")]
    likeliest = [(int(i), vocab.piece(int(i), special=True), float(row[i]) - log_sum) for i in ids]
    return TokenLogprob(
        token, vocab.piece(token, special=True), float(row[token]) - log_sum, likeliest
    )
