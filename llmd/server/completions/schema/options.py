"""Fields that chat and plain completions share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.server.completions.schema.forms import Forms

Temperature = Annotated[float, Meta(ge=0, le=5)]
Share = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
RepeatPenalty = Annotated[float, Meta(gt=0, le=10)]
Many = Annotated[int, Meta(ge=1, le=128)]
Tokens = Annotated[int, Meta(ge=1)]
AnswerTokens = Annotated[int, Meta(ge=-1)]
"""Longest answer; -1: until the context is full."""


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream carries besides text."""

    include_usage: bool = False


class AdapterScale(msgspec.Struct, frozen=True):
    """A LoRA adapter by name, or by its place among those of the model, and its weight."""

    name: str | None = None
    id: str | int | None = None
    scale: Annotated[float, Meta(ge=-100, le=100)] = 1.0


class SpeculationOptions(msgspec.Struct, frozen=True):
    """How an answer is guessed ahead; see `speculation` in the settings."""

    mode: Literal["auto", "off", "ngram", "draft", "mtp"] = "auto"
    longest: Annotated[int, Meta(ge=0, le=1024)] | None = None


class ModelOptions(msgspec.Struct, frozen=True):
    """What Ollama's clients say about loading."""

    num_ctx: Tokens | None = None


class PredictionPart(msgspec.Struct, frozen=True):
    """Part of a predicted text."""

    type: Literal["text"]
    text: str


class Prediction(msgspec.Struct, frozen=True):
    """What the answer is expected to be much like, such as the file that is to be edited."""

    type: Literal["content"]
    content: str | list[PredictionPart]


class Foreign(Forms, frozen=True, kw_only=True):
    """What other servers can do and llmd cannot, known so that it can be refused; values that ask
    for nothing are taken, since some clients always send them.
    """

    audio: dict[str, Any] | None = None
    modalities: list[str] | None = None
    """Answers are text."""
    web_search_options: dict[str, Any] | None = None
    mirostat: float | None = None
    dry_multiplier: float | None = None
    xtc_probability: float | None = None
    dynatemp_range: float | None = None
    top_n_sigma: float | None = None
    min_tokens: int | None = None
    stop_token_ids: list[int] | None = None


class Options(Foreign, frozen=True, kw_only=True):
    """Fields that chat and plain completions share; null means the same as leaving out."""

    model: str | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=-1)] | None = None
    """0 and -1: all tokens."""
    min_p: Share | None = None
    typical_p: Share | None = None
    repeat_penalty: RepeatPenalty | None = None
    repetition_penalty: RepeatPenalty | None = None
    """vLLM's name for it."""
    repeat_last_n: Annotated[int, Meta(ge=-1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[int, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    seed: int | None = None
    """Repeats an answer; below 0: any."""
    stop: str | list[str] | None = None
    max_tokens: AnswerTokens | None = None
    """-1: until the context is full; 0 is for plain completions with `echo`."""
    max_completion_tokens: AnswerTokens | None = None
    """OpenAI's newer name for it."""
    n_predict: AnswerTokens | None = None
    """llama-server's name for it."""
    n: Many | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    ignore_eos: bool | None = None
    context_overflow: Literal["error", "truncate", "shift"] | None = None
    adapters: list[AdapterScale] | None = None
    lora: list[AdapterScale] | None = None
    """llama-server's name for `adapters`."""
    speculation: Literal["auto", "off", "ngram", "draft", "mtp"] | SpeculationOptions | None = None
    prediction: Prediction | None = None
    lane: Literal["interactive", "batch"] | None = None
    """Batch requests wait while interactive ones do."""
    service_tier: str | None = None
    """OpenAI's name for it: `flex` means the batch lane, all others the interactive one."""
    cache_prompt: bool | None = None
    """Whether the prompt may be answered from, and kept in, the prefix cache."""
    user: str | None = None
    """Whose turn the request takes in the waiting line."""
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    """OpenAI's newer names for `user`."""
    keep_alive: str | float | None = None
    """How long the model stays when idle after this request: seconds, `5m`, -1 for ever, 0 not."""
    ttl: Annotated[int, Meta(ge=0)] | None = None
    """LM Studio's name for it, in seconds."""
    context_length: Tokens | None = None
    """Tokens that the model should be loaded with; a loaded one is not loaded anew for it."""
    num_ctx: Tokens | None = None
    options: ModelOptions | None = None
    """Ollama's names for `context_length`."""
    mismatch: Literal["serve", "refuse"] | None = None
    """What happens where the model would have to be loaded anew, see `pool.mismatch`."""
    timings: bool | None = None
    """Whether a stream ends with the usage, and so with its timings; whole answers always have
    them.
    """
