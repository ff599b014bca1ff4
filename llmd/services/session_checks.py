"""Whose sessions a caller sees, and what a session and its messages may be. Pure."""

from __future__ import annotations

import re
from typing import NoReturn
from uuid import uuid4

import msgspec

from llmd.errors import InvalidRequest, NotFound
from llmd.protocol.callers import Caller, Scope
from llmd.protocol.sessions import NewMessage, SessionMessage

LONGEST_PAGE = 1000
LONGEST_TITLE = 1000
ROLES = ("system", "developer", "user", "assistant", "tool")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_MOST_TOKENS = 2**31 - 1
_MOST_SKIPPED = 2**62


def whose(caller: Caller) -> str:
    """Return whom the caller's sessions belong to."""
    return caller.user or (f"key:{caller.key}" if caller.key else "")


def seen(caller: Caller) -> str | None:
    """Return whose sessions the caller sees; None: everybody's."""
    return None if caller.owner or Scope.ADMIN in caller.scopes else whose(caller)


def personal(caller: Caller) -> Caller:
    """Return a caller as somebody who sees only what is their own, whatever else they may see."""
    return msgspec.structs.replace(caller, owner=False, scopes=caller.scopes - {Scope.ADMIN})


def identity(text: str) -> str:
    """Return an id as it is written; what cannot be one is not there."""
    written = text.lower()
    return written if ID.fullmatch(written) else missing(text)


def missing(session: str) -> NoReturn:
    """Raise NotFound for a session."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in session)
    raise NotFound(
        f"There is no session {shown[:100]!r}.",
        hint="It may have been deleted.",
        param="session_id",
    )


def title_text(title: str) -> str:
    """Return a title; raise InvalidRequest for what cannot be one."""
    if len(title) > LONGEST_TITLE or "\0" in title:
        raise InvalidRequest(
            f"A title has at most {LONGEST_TITLE} characters, and no NUL among them.", param="title"
        )
    return whole_text(title, "title").strip()


def words_text(words: str) -> str:
    """Return what is searched for; raise InvalidRequest for what no message can hold."""
    if len(words) > LONGEST_TITLE or "\0" in words:
        raise InvalidRequest(
            f"Search for at most {LONGEST_TITLE} characters, and no NUL among them.", param="words"
        )
    return whole_text(words, "words").strip()


def whole_text(text: str, param: str) -> str:
    """Return a text; raise InvalidRequest for half characters, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{param} is no valid Unicode text.", param=param) from error
    return text


def kept(message: NewMessage, session: str, now: float) -> SessionMessage:
    """Return a message as it will be kept."""
    if message.role not in ROLES:
        raise InvalidRequest(
            f"{message.role[:50]!r} is no role.",
            hint=f"Give one of {', '.join(ROLES)}.",
            param="role",
        )
    if message.tokens is not None and not 0 <= message.tokens <= _MOST_TOKENS:
        raise InvalidRequest(
            "tokens must be a count.", hint=f"0 to {_MOST_TOKENS}.", param="tokens"
        )
    return SessionMessage(
        id=str(uuid4()),
        session_id=session,
        role=message.role,
        content=whole_text(message.content, "content"),
        tokens=message.tokens,
        metadata_info=message.metadata_info,
        created_at=now,
    )


def check_page(skip: int, limit: int) -> None:
    """Raise InvalidRequest for a page that cannot be."""
    if not 0 <= skip <= _MOST_SKIPPED:
        raise InvalidRequest("skip must be 0 or more.", param="skip")
    if not 1 <= limit <= LONGEST_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {LONGEST_PAGE}.", param="limit")
