"""Structs of the StellarByte API. Declarations, no decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.server.completions.schema import AnswerTokens, Share, Temperature

Skip = Annotated[int, Meta(ge=0, le=2**53)]
Limit = Annotated[int, Meta(ge=1, le=1000)]


class Health(msgspec.Struct, frozen=True):
    """`GET /health`."""

    status: str


class ChatQuery(msgspec.Struct, frozen=True):
    """Parameters of `POST /chat/completions` and `/ws/chat`."""

    session_id: str | None = None
    """The session that the conversation goes on in."""


class NewSession(msgspec.Struct, frozen=True):
    """`POST /sessions`."""

    title: str | None = None
    """Left out: taken from the first message."""


class SessionChange(msgspec.Struct, frozen=True):
    """`PUT /sessions/{session_id}`; what is left out stays."""

    title: str | None = None
    is_active: bool | None = None


class SessionObject(msgspec.Struct, frozen=True):
    """A session."""

    id: str
    title: str
    created_at: str
    updated_at: str
    is_active: bool


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted."""

    skip: Skip = 0
    limit: Limit = 100


class SessionPage(Page, frozen=True):
    """Parameters of `GET /sessions`."""

    active_only: bool = True


class Deleted(msgspec.Struct, frozen=True):
    """The answer to `DELETE /sessions/{session_id}`."""

    message: str


class NewMessage(msgspec.Struct, frozen=True):
    """`POST /sessions/{session_id}/messages`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tokens: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    metadata_info: dict[str, Any] | None = None


class MessageObject(msgspec.Struct, frozen=True):
    """A message of a session."""

    id: str
    session_id: str
    role: str
    content: str
    created_at: str
    tokens: int | None
    metadata_info: dict[str, Any]


class Turn(msgspec.Struct, frozen=True):
    """A message as models read it."""

    role: str
    content: str


class ChatEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends over the WebSocket; all but `type` and `content` is llmd's addition."""

    type: Literal["chat.message"]
    content: Annotated[str, Meta(min_length=1)]
    model: str | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    max_tokens: AnswerTokens | None = None
    stop: str | list[str] | None = None


class SessionStarted(msgspec.Struct, frozen=True):
    """The session that a WebSocket talks in."""

    session_id: str


class SessionStart(msgspec.Struct, frozen=True, tag_field="event", tag="session_start"):
    """The first event."""

    data: SessionStarted


class BlockStarted(msgspec.Struct, frozen=True):
    """A block of an answer; there is one, of text."""

    type: str = "text"
    index: int = 0


class BlockStart(msgspec.Struct, frozen=True, tag_field="event", tag="content_block_start"):
    """An answer begins."""

    data: BlockStarted = BlockStarted()


class TextDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More text."""

    type: str = "text_delta"
    text: str


class BlockGrown(msgspec.Struct, frozen=True, kw_only=True):
    """More of a block."""

    index: int = 0
    delta: TextDelta


class BlockDelta(msgspec.Struct, frozen=True, tag_field="event", tag="content_block_delta"):
    """More of the answer."""

    data: BlockGrown


class BlockStopped(msgspec.Struct, frozen=True):
    """The block that is complete."""

    index: int = 0


class BlockStop(msgspec.Struct, frozen=True, tag_field="event", tag="content_block_stop"):
    """The text is complete."""

    data: BlockStopped = BlockStopped()


class Ended(msgspec.Struct, frozen=True):
    """Why an answer ended: `stop` or `length`."""

    finish_reason: str


class OutputUsage(msgspec.Struct, frozen=True):
    """Tokens of the answer."""

    output_tokens: int


class MessageEnded(msgspec.Struct, frozen=True):
    """How an answer ended."""

    delta: Ended
    usage: OutputUsage


class MessageDelta(msgspec.Struct, frozen=True, tag_field="event", tag="message_delta"):
    """Tells how the answer ended."""

    data: MessageEnded


class Nothing(msgspec.Struct, frozen=True):
    """An empty object."""


class MessageStop(msgspec.Struct, frozen=True, tag_field="event", tag="message_stop"):
    """The answer is complete and kept; the next message may come."""

    data: Nothing = Nothing()


class Failure(msgspec.Struct, frozen=True):
    """What went wrong."""

    type: str
    message: str


class Failed(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """A message was not answered, or not to the end."""

    data: Failure


Event = SessionStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Failed
