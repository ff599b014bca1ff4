"""What comes back while one request is answered: one `Accepted`, any number of `Delta`, one
`Finished`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model ended it, or a stop text appeared."""
    LENGTH = "length"
    """`max_tokens` or the context was reached."""


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The prompt was tokenised and fits; the request now waits for its turn or runs."""

    prompt_tokens: int
    dropped_tokens: int = 0
    """Prompt tokens removed because `overflow` allowed it."""
    queue_position: int = 0
    """Requests ahead of this one; 0: it runs next."""


class TokenLogprob(msgspec.Struct, frozen=True, array_like=True):
    """One token with its log-probability (natural logarithm, of the unmodified distribution) and
    the likeliest ones.
    """

    token: int
    piece: bytes
    logprob: float
    top: list[tuple[int, bytes, float]]


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """More text of the answer; never part of a character, never part of a stop text."""

    text: str
    tokens: int
    """Tokens decoded since the last delta."""
    logprobs: list[TokenLogprob] = []


class Usage(msgspec.Struct, frozen=True):
    """Tokens and seconds one answer took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose keys and values were already in the cache."""
    dropped_tokens: int = 0
    """Tokens forgotten because `overflow` allowed it, prompt and context shifts together."""
    queue_seconds: float = 0.0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The answer is complete."""

    reason: FinishReason
    usage: Usage
    stop_text: str | None = None
    """The stop text that ended it, if one did."""


Event = Accepted | Delta | Finished


class Embeddings(msgspec.Struct, frozen=True):
    """Normalised vectors (rows of float32, little-endian, `width` values each) in the order of the
    inputs.
    """

    width: int
    vectors: list[bytes]
    tokens: int
    """Tokens of all inputs together."""
