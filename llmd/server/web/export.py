"""Conversations as files: Markdown for people, JSON for programs. Pure; written piece by piece, so
that a long conversation is never in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from llmd.protocol.sessions import Picture, Session, SessionMessage
from llmd.server.web.words import Words

_LONGEST = 80
_FORBIDDEN = set('/\\:*?"<>|')
_TYPES = {"markdown": ("text/markdown", "md"), "json": ("application/json", "json")}


def disposition(session: Session, form: str) -> tuple[str, str]:
    """Return the media type of a form, and the header that names the file (RFC 6266): its title in
    UTF-8, and in ASCII for clients that know nothing else.
    """
    kind, ending = _TYPES[form]
    name = f"{file_name(session.title) or session.id}.{ending}"
    plain = "".join(char if char.isascii() else "_" for char in name)
    return kind, f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_name(title: str) -> str:
    """Return a title as all systems take it as a name."""
    shown = (char if char.isprintable() and char not in _FORBIDDEN else " " for char in title)
    return " ".join("".join(shown).split())[:_LONGEST].strip(" .")


def heading(session: Session, said: Words) -> str:
    """Return how the Markdown begins."""
    title = " ".join(session.title.split()) or said("export.untitled")
    return f"# {_plain(title)}\n"


def passage(message: SessionMessage, said: Words) -> str:
    """Return one message as Markdown."""
    info = message.metadata_info
    when = datetime.fromtimestamp(message.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    model = info.get("model")
    who = said(f"export.{message.role}" if message.role in _ROLES else "export.system")
    by = f" ({_plain(model)})" if isinstance(model, str) and model else ""
    parts = [f"\n## {who}{by}\n\n*{when}*\n"]
    if isinstance(reasoning := info.get("reasoning"), str) and reasoning.strip():
        parts.append(f"> **{said('export.reasoning')}**\n>\n{_quoted(reasoning)}")
    if isinstance(count := info.get("media"), int) and count > 0:
        parts.append(f"*{said('export.pictures', count=count)}*\n")
    if message.content.strip():
        parts.append(f"{message.content.strip()}\n")
    parts += [_call(call, said) for call in _listed(info.get("tool_calls"))]
    if info.get("partial"):
        parts.append(f"*{said('export.partial')}*\n")
    return "\n".join(parts)


_ROLES = {"user", "assistant", "system", "tool"}


def record(message: SessionMessage, pictures: Sequence[Picture]) -> bytes:
    """Return one message as JSON, with its pictures."""
    told: dict[str, Any] = msgspec.to_builtins(message)
    if pictures:
        told["pictures"] = [{"kind": one.kind, "data": one.data} for one in pictures]
    return msgspec.json.encode(told)


def _call(call: Any, said: Words) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return ""
    name, arguments = str(function.get("name", "")), str(function.get("arguments", ""))
    fence = "```"
    while fence in arguments:
        fence += "`"
    return f"{said('export.called', name=_plain(name))}\n\n{fence}json\n{arguments}\n{fence}\n"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.strip().splitlines())


def _plain(text: str) -> str:
    """Return a name that is no markup in Markdown."""
    return "".join(f"\\{char}" if char in _MARKS else char for char in text if char.isprintable())


_MARKS = set("\\`*_{}[]<>#|!")
