"""Chat completions: conversations, and the answers to them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llmd.server.completions.schema.answers import TokenLogprob
from llmd.server.completions.schema.options import Options
from llmd.server.completions.schema.tools import (
    NamedTool,
    ToolCall,
    ToolCallPiece,
    ToolDefinition,
)

Budget = Annotated[int, Meta(ge=-1)]
"""Tokens; -1: without end."""


class ImageUrl(msgspec.Struct, frozen=True):
    """A picture: a data URL, or one it is fetched from."""

    url: str
    detail: str | None = None
    """Taken and not heeded: models here see pictures at the resolution they were made for."""


class InputAudio(msgspec.Struct, frozen=True):
    """A sound as base64."""

    data: str
    format: str | None = None


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of a message's content."""

    type: str
    text: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


class ThinkingSwitch(msgspec.Struct, frozen=True):
    """Reasoning on or off, as the APIs of several model makers have it."""

    type: Literal["enabled", "disabled"]
    budget_tokens: Budget | None = None


class ChatRequest(Options, frozen=True, kw_only=True):
    """`POST /v1/chat/completions`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "model": "llmd-tiny",
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "max_tokens": 512,
        "temperature": 0.7,
        "stream": False,
    }
    messages: Annotated[list[Message], Meta(min_length=1)]
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[ToolDefinition] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Any] | None = None
    """OpenAI's first way to say `tools`, refused unless it is empty."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    reasoning_format: Literal["auto", "deepseek", "deepseek-legacy", "none"] | None = None
    enable_thinking: bool | None = None
    thinking: ThinkingSwitch | None = None
    reasoning_budget: Budget | None = None
    reasoning_budget_tokens: Budget | None = None
    thinking_budget_tokens: Budget | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    continue_final_message: bool | None = None
    """Whether the answer goes on with the last message, the assistant's; left out: if it can."""


class ChatLogprobs(msgspec.Struct, frozen=True):
    """Log-probabilities of a chat choice."""

    content: list[TokenLogprob]


class ChatMessage(msgspec.Struct, frozen=True):
    """The answer."""

    content: str | None
    role: str = "assistant"
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET


class ChatChoice(msgspec.Struct, frozen=True):
    """One answer of a chat completion."""

    index: int
    message: ChatMessage
    finish_reason: str
    logprobs: ChatLogprobs | None = None


class ChatDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """More of an answer."""

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallPiece] | None = None


class ChatChunkChoice(msgspec.Struct, frozen=True):
    """More of one answer of a streamed chat completion."""

    index: int
    delta: ChatDelta
    finish_reason: str | None = None
    logprobs: ChatLogprobs | None = None
