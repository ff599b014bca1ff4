"""What the chat page says and is told, as JSON: orders for answers, sessions, messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.config.settings import MediaSettings
from llmd.errors import InvalidRequest
from llmd.protocol import pictures as kinds
from llmd.protocol.sessions import Picture, Session, SessionMessage
from llmd.server.completions import schema
from llmd.server.completions.convert import media
from llmd.server.completions.record import Terms
from llmd.services.session_checks import whole_text

_MOST = 1000
"""Pictures of a message that pages ask for, whatever its metadata says."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an answer shall be made; what is left out is as the model has it."""

    temperature: schema.Temperature | None = None
    top_p: schema.Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    min_p: schema.Share | None = None
    typical_p: schema.Share | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    frequency_penalty: schema.Penalty | None = None
    presence_penalty: schema.Penalty | None = None
    max_tokens: schema.Tokens | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    ignore_eos: bool | None = None
    """Whether it goes on where the model would end."""
    context_overflow: Literal["error", "truncate", "shift"] | None = None
    reasoning: bool | None = None
    """Whether the model reasons before it answers, where it can."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    reasoning_budget: Annotated[int, Meta(ge=-1)] | None = None
    """Tokens; -1: without end."""
    system: str | None = None
    """Instructions instead of those that the session begins with; empty: none."""
    tools: list[schema.ToolDefinition] | None = None


class File(msgspec.Struct, frozen=True):
    """A text file that stands in a message, on the lines behind one with its name."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    lines: Annotated[int, Meta(ge=1)]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /web/chat/sessions/{id}/turns`."""

    content: str = ""
    images: list[str] = []
    """Data URLs."""
    files: Annotated[list[File], Meta(max_length=100)] = []
    """Those that the content begins with: pages show them folded."""
    model: str | None = None
    parameters: Parameters = Parameters()
    again: bool = False
    """Answer the last question anew, in place of its answer; what else is asked is not heeded."""
    request_id: Annotated[str, Meta(min_length=1, max_length=100)]


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /web/chat/sessions`."""

    title: str = ""
    model: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /web/chat/sessions/{id}`."""

    title: str | None = None
    model: str | None = None


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /web/chat/sessions/{id}/branch`."""

    before: str


def pictures(order: Order, limits: MediaSettings) -> list[Picture]:
    """Return the pictures of an order; raise InvalidRequest for what is none, or too much."""
    if order.again:
        return []
    if len(order.images) > limits.max_items:
        raise InvalidRequest(
            f"A message takes {limits.max_items} pictures at most.",
            hint="Send fewer, or raise media.max_items.",
            param="images",
        )
    return [_picture(url, f"images[{place}]", limits) for place, url in enumerate(order.images)]


def _picture(url: str, where: str, limits: MediaSettings) -> Picture:
    source = media.picture(where, url, limits)
    if source.url:
        raise InvalidRequest(f"{where} is not a data URL.", hint="Send the file.", param=where)
    kind = kinds.kind(source.data)
    if not kind:
        raise InvalidRequest(
            f"{where} is no picture that can be read.",
            hint=f"Send {kinds.KINDS}.",
            param=where,
        )
    return Picture(f"image/{kind}", source.data)


def request(order: Order, shown: Sequence[Picture]) -> schema.ChatRequest:
    """Return what the model is asked besides what is kept; raise InvalidRequest for nothing."""
    said = order.parameters
    messages: list[schema.Message] = []
    if said.system is not None:
        messages.append(schema.Message("system", whole_text(said.system, "system")))
    if not order.again:
        messages.append(_question(order, shown))
    names = set(Parameters.__struct_fields__) & set(schema.ChatRequest.__struct_fields__)
    return schema.ChatRequest(
        model=order.model or None,
        messages=messages,
        enable_thinking=said.reasoning,
        **{name: getattr(said, name) for name in names},
    )


def _question(order: Order, shown: Sequence[Picture]) -> schema.Message:
    content = whole_text(order.content, "content")
    if not content.strip() and not shown:
        raise InvalidRequest("There is nothing to answer.", hint="Ask.", param="content")
    if not shown:
        return schema.Message("user", content)
    parts = [schema.Part(type="text", text=content)] if content else []
    urls = [schema.ImageUrl(kinds.data_url(one.data)) for one in shown]
    images = [schema.Part(type="image_url", image_url=url) for url in urls]
    return schema.Message("user", [*parts, *images])


def terms(order: Order, shown: Sequence[Picture], turn: str) -> Terms:
    """Return what is kept of the turn: with what an answer was made, so that a page that is loaded
    anew can go on alike.
    """
    said = msgspec.to_builtins(order.parameters)
    wished = {name: value for name, value in said.items() if value is not None and name != "tools"}
    told = {"turn": turn, **({"parameters": wished} if wished else {})}
    return Terms(
        again=order.again,
        whole=True,
        pictures=list(shown),
        asked={} if order.again else _about(order),
        told=told,
    )


def _about(order: Order) -> dict[str, Any]:
    return {"files": msgspec.to_builtins(order.files)} if order.files else {}


def asked(order: Order, shown: Sequence[Picture]) -> dict[str, Any]:
    """Return what pages are told of a question that is not kept yet."""
    if order.again:
        return {"again": True, "message": None}
    question: dict[str, Any] = {
        "id": None,
        "role": "user",
        "content": order.content,
        "images": [kinds.data_url(one.data) for one in shown],
        "info": _about(order),
    }
    return {"again": False, "message": question}


def session(found: Session, *, running: bool) -> dict[str, Any]:
    """Return a session as pages have it."""
    return {
        "id": found.id,
        "title": found.title,
        "model": found.model,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "running": running,
    }


def message(found: SessionMessage) -> dict[str, Any]:
    """Return a message as pages have it; pictures are fetched one by one."""
    count = found.metadata_info.get("pictures")
    path = f"/web/chat/sessions/{found.session_id}/messages/{found.id}/images"
    held = range(count) if isinstance(count, int) and 0 < count <= _MOST else ()
    return {
        "id": found.id,
        "role": found.role,
        "content": found.content,
        "created_at": found.created_at,
        "tokens": found.tokens,
        "info": found.metadata_info,
        "images": [f"{path}/{place}" for place in held],
    }
