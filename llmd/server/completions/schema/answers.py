"""What answers of every kind tell: figures and log-probabilities."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class CacheMiss(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the prefix cache held no more of a prompt; llmd's addition."""

    kind: str
    """`cold`, `evicted`, `system_prompt`, `tools`, `time`, `messages` or `prompt`."""
    token: int
    """Tokens that still agreed."""
    text: str = ""
    """How the prompt goes on from there."""
    instead: str = ""
    """How the closest prompt in the cache does; shown on the Unix socket only, for it may be
    another client's.
    """
    evicted_tokens: int = 0


class PromptTokensDetails(msgspec.Struct, frozen=True):
    """Where prompt tokens came from."""

    cached_tokens: int = 0
    cache_miss: CacheMiss | UnsetType = UNSET


class CompletionTokensDetails(msgspec.Struct, frozen=True):
    """What the tokens of the answer were."""

    reasoning_tokens: int = 0
    accepted_prediction_tokens: int = 0
    """Guessed ahead, rightly; from the request's prediction or elsewhere."""
    rejected_prediction_tokens: int = 0
    """Guessed ahead, wrongly; they cost time and are in no other figure."""


class Timings(msgspec.Struct, frozen=True):
    """Seconds spent waiting, reading the prompt and writing, and how quick that was; llmd's
    addition. Of several choices the slowest one counts.
    """

    queue_seconds: float
    prefill_seconds: float
    decode_seconds: float
    prompt_per_second: float | UnsetType = UNSET
    """Prompt tokens read per second, those from the cache left out."""
    predicted_per_second: float | UnsetType = UNSET
    """Tokens of one answer written per second, after its first."""
    drafted_tokens: int | UnsetType = UNSET
    accepted_tokens: int | UnsetType = UNSET
    draft_acceptance: float | UnsetType = UNSET
    """Share of the drafted tokens that was accepted."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one request, all choices together."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails = PromptTokensDetails()
    completion_tokens_details: CompletionTokensDetails = CompletionTokensDetails()
    dropped_tokens: int | UnsetType = UNSET
    timings: Timings | UnsetType = UNSET


class TopLogprob(msgspec.Struct, frozen=True):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(TopLogprob, frozen=True):
    """One token of the answer with the likeliest ones at its place."""

    top_logprobs: list[TopLogprob] = []
