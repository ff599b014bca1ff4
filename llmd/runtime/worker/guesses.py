"""What a request says about guessing ahead, checked against what the loaded model can do."""

from __future__ import annotations

from collections.abc import Collection

from llmd.errors import InvalidRequest
from llmd.protocol.requests import Sampling, Speculation
from llmd.runtime.worker.intake import Tokenizer

# tokens seldom have more characters than this on the average; the rest could not be said anyway
_CHARACTERS = 16


def checked(wish: Speculation, modes: Collection[str]) -> Speculation:
    """Return the wish; raise InvalidRequest for a mode that is not among `modes`."""
    if wish.mode not in modes:
        raise InvalidRequest(
            f"This model cannot speculate by {wish.mode}.",
            hint=f"It can do {', '.join(sorted(modes))}; `llmd config show` tells about the "
            "settings of speculation.",
            param="speculation",
        )
    return wish


def steadied(wish: Speculation, sampling: Sampling) -> Speculation:
    """Return no guessing where a seed asks for the same answer again, unless a mode was named: how
    many tokens are worth guessing depends on the clock, and on that the rounding.
    """
    seeded = sampling.seed is not None and sampling.temperature > 0
    return Speculation("off") if seeded and wish.mode == "auto" else wish


def expected(wish: Speculation, tokenizer: Tokenizer, longest: int) -> list[int]:
    """Return the tokens of the predicted answer, at most `longest`."""
    if wish.mode == "off" or not wish.prediction:
        return []
    text = wish.prediction[: longest * _CHARACTERS]
    return tokenizer.tokenize(text, add_special=False, parse_special=False)[:longest]
