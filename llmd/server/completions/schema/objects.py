"""The object around every completion."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from llmd.server.completions.schema.answers import Usage
from llmd.server.completions.schema.chat import ChatChoice, ChatChunkChoice
from llmd.server.completions.schema.completions import TextChoice


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """Every completion object: chat or plain, whole or chunk."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChatChoice] | list[ChatChunkChoice] | list[TextChoice]
    usage: Usage | UnsetType | None = UNSET
