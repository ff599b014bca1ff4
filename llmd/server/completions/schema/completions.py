"""Plain completions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from llmd.server.completions.schema.options import Many, Options


class CompletionRequest(Options, frozen=True, kw_only=True):
    """`POST /v1/completions`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "model": "llmd-tiny",
        "prompt": "The capital of France is",
        "max_tokens": 16,
    }
    prompt: str | list[str | int | list[int]] = ""
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    echo: bool | None = None
    best_of: Many | None = None
    suffix: str | None = None


class TextLogprobs(msgspec.Struct, frozen=True):
    """Log-probabilities of a plain completion, as parallel lists."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[int]


class TextChoice(msgspec.Struct, frozen=True):
    """One answer of a plain completion, or more of it when streamed."""

    index: int
    text: str
    finish_reason: str | None = None
    logprobs: TextLogprobs | None = None
