"""The object around every completion."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from llmd.server.completions.schema.answers import Usage
from llmd.server.completions.schema.chat import ChatChoice, ChatChunkChoice
from llmd.server.completions.schema.completions import TextChoice


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """Every completion object: chat or plain, whole or chunk; routes declare the one they mean."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChatChoice] | list[ChatChunkChoice] | list[TextChoice]
    usage: Usage | UnsetType | None = UNSET


class ChatCompletion(Completion, frozen=True, kw_only=True):
    """A whole answer to a conversation."""

    object: Literal["chat.completion"]
    choices: list[ChatChoice]
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "chatcmpl-123",
        "object": "chat.completion",
        "created": 1677652288,
        "model": "llmd-tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The capital of France is Paris."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 15, "completion_tokens": 128, "total_tokens": 143},
    }


class ChatChunk(Completion, frozen=True, kw_only=True):
    """More of a streamed answer to a conversation."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChatChunkChoice]
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "chatcmpl-123",
        "object": "chat.completion.chunk",
        "created": 1677652288,
        "model": "llmd-tiny",
        "choices": [{"index": 0, "delta": {"content": "Paris"}, "finish_reason": None}],
    }


class TextCompletion(Completion, frozen=True, kw_only=True):
    """A text that was continued, or more of it when streamed."""

    object: Literal["text_completion"]
    choices: list[TextChoice]
