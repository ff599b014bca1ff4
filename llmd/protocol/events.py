"""What comes back while one request is answered: one `Accepted`, `Queued` whenever the line moved,
`Reading` while a long prompt is read, any number of `Delta`, one `Finished`.
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


class Queued(msgspec.Struct, frozen=True, tag="queued"):
    """The place of a waiting request has changed."""

    position: int
    estimated_wait: float


class Reading(msgspec.Struct, frozen=True, tag="reading"):
    """The turn of a request has come, its prompt is being read; about once a second while it is."""

    tokens: int
    """Prompt tokens that are read, cached ones included."""
    cached_tokens: int


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


def melted(deltas: list[CallDelta]) -> list[CallDelta]:
    """Return the same with neighbours that belong to one call joined."""
    merged: list[CallDelta] = []
    for delta in deltas:
        if merged and merged[-1].index == delta.index:
            last = merged[-1]
            arguments = last.arguments + delta.arguments
            merged[-1] = CallDelta(last.index, last.id, last.name, arguments)
        else:
            merged.append(delta)
    return merged


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


class MissKind(StrEnum):
    """Why the prefix cache held no more of a prompt."""

    COLD = "cold"
    """Nothing was held yet."""
    EVICTED = "evicted"
    """More had been held, but had to make room."""
    SYSTEM = "system_prompt"
    """The system prompt differs."""
    TOOLS = "tools"
    """The tools or their order differ."""
    TIME = "time"
    """A date or time of day differs."""
    MESSAGES = "messages"
    """An earlier message differs."""
    PROMPT = "prompt"
    """The text differs."""


class CacheMiss(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the prompt left what the prefix cache held, and what stood there instead."""

    kind: MissKind
    token: int
    """Tokens that still agreed."""
    text: str = ""
    """How the prompt goes on from there."""
    instead: str = ""
    """How the closest prefix in the cache does."""
    evicted_tokens: int = 0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and seconds one answer took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose keys and values were already in the cache."""
    cache_miss: CacheMiss | None = None
    """Why the prefix cache held no more of the prompt; None when it held all it could."""
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


Event = Accepted | Queued | Reading | Delta | Finished
