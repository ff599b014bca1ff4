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
    TOOL_CALLS = "tool_calls"
    """The model ended it, having called tools."""


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The prompt was tokenised and fits; the request now waits for its turn or runs."""

    prompt_tokens: int
    dropped_tokens: int = 0
    """Prompt tokens removed because `overflow` allowed it."""
    queue_position: int = 0
    """Requests ahead of this one; 0: it runs next."""
    estimated_wait: float = 0.0
    """Seconds until it runs, guessed from the requests that ended lately."""


class TokenLogprob(msgspec.Struct, frozen=True, array_like=True):
    """One token with its log-probability (natural logarithm, of the unmodified distribution) and
    the likeliest ones.
    """

    token: int
    piece: bytes
    logprob: float
    top: list[tuple[int, bytes, float]]


class CallDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """More of one tool call: the first of an `index` has `id` and `name`, all add to `arguments`
    (JSON text).
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Portion(msgspec.Struct, frozen=True):
    """What a piece of a model's text means: answer, reasoning, or parts of tool calls."""

    text: str = ""
    reasoning: str = ""
    calls: list[CallDelta] = []

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning or self.calls)


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """More of the answer; never part of a character, never part of a stop text."""

    text: str
    tokens: int
    """Tokens decoded since the last delta."""
    logprobs: list[TokenLogprob] = []
    reasoning: str = ""
    calls: list[CallDelta] = []


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and seconds one answer took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose keys and values were already in the cache."""
    cache_miss: str = ""
    """Why the prefix cache held no more of the prompt; empty when it held all it could."""
    reasoning_tokens: int = 0
    """Tokens of the answer that were reasoning."""
    drafted_tokens: int = 0
    """Tokens that speculation proposed."""
    accepted_tokens: int = 0
    """Proposed tokens that the model agreed with."""
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
