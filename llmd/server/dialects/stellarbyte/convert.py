"""Sessions and answers to the objects and events of the StellarByte API. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from llmd.protocol.sessions import Session, SessionMessage
from llmd.server.completions import schema as completions
from llmd.server.dialects.stellarbyte import schema


def moment(seconds: float) -> str:
    """Return a time as the document writes it: UTC, to the second, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def session(found: Session) -> schema.SessionObject:
    """Return a session."""
    return schema.SessionObject(
        id=found.id,
        title=found.title,
        created_at=moment(found.created_at),
        updated_at=moment(found.updated_at),
        is_active=found.is_active,
    )


def message(found: SessionMessage) -> schema.MessageObject:
    """Return a message of a session."""
    return schema.MessageObject(
        id=found.id,
        session_id=found.session_id,
        role=found.role,
        content=found.content,
        created_at=moment(found.created_at),
        tokens=found.tokens,
        metadata_info=found.metadata_info,
    )


def chat_request(asked: schema.ChatEvent) -> completions.ChatRequest:
    """Return a message of the WebSocket as a request for a stream that ends with its usage."""
    return completions.ChatRequest(
        messages=[completions.Message("user", asked.content)],
        model=asked.model,
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_tokens=asked.max_tokens,
        stop=asked.stop,
        stream=True,
    )


def events(chunk: completions.Completion) -> list[schema.Event]:
    """Return what a chunk adds to the text of an answer."""
    return [
        schema.BlockDelta(schema.BlockGrown(delta=schema.TextDelta(text=choice.delta.content)))
        for choice in chunk.choices
        if isinstance(choice, completions.ChatChunkChoice) and choice.delta.content
    ]


def closing(reason: str, tokens: int) -> list[schema.Event]:
    """Return what an answer ends with."""
    ended = schema.MessageEnded(schema.Ended(reason), schema.OutputUsage(tokens))
    return [schema.BlockStop(), schema.MessageDelta(ended), schema.MessageStop()]
