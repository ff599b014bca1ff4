"""Keeps talks in the daemon's sessions, as `llmd chat` does, and finds them again.

A session is read from its end: what is on the screen first comes first, however long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from llmd.errors import NotFound
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn, recalled

SESSIONS = "/control/sessions"
FIRST = 60
"""Messages that a session is shown with."""
PAGE = 500
"""Messages read or kept at once."""
LISTED = 200


class Calls(Protocol):
    """What it needs of a client."""

    async def get(self, path: str) -> dict[str, Any]:
        """See AsyncClient."""

    async def post(self, path: str, body: object = None) -> dict[str, Any]:
        """See AsyncClient."""

    async def delete(self, path: str) -> dict[str, Any]:
        """See AsyncClient."""


async def sessions(client: Calls, words: str = "", skip: int = 0) -> list[dict[str, Any]]:
    """Return up to LISTED sessions, those first that changed last."""
    asked = urlencode({"skip": skip, "limit": LISTED, "words": words})
    found: list[dict[str, Any]] = (await client.get(f"{SESSIONS}?{asked}"))["sessions"]
    return found


async def reopen(client: Calls, session: str) -> Talk:
    """Return a kept talk with its last messages; raise NotFound."""
    card = await client.get(f"{SESSIONS}/find?name={quote(session, safe='')}")
    found, count = card["session"], int(card["messages"])
    if found["id"] != session:
        raise NotFound("This session is not there any more.", hint="It may have been deleted.")
    talk = Talk(
        model=found["model"],
        known_model=found["model"],
        session=session,
        title=found["title"],
        missing=max(0, count - FIRST),
    )
    if count:
        talk.turns = await _page(client, talk, talk.missing, FIRST)
    return talk


async def read_back(client: Calls, talk: Talk) -> bool:
    """Fetch the messages before the first one that is there; return whether there were any."""
    if not talk.missing:
        return False
    skip = max(0, talk.missing - PAGE)
    found = await _page(client, talk, skip, talk.missing - skip)
    talk.turns[:0] = found
    talk.missing = skip
    return True


async def _page(client: Calls, talk: Talk, skip: int, limit: int) -> list[Turn]:
    path = f"{SESSIONS}/{talk.session}/messages?skip={skip}&limit={limit}"
    return [recalled(message) for message in (await client.get(path))["messages"]]


async def keep(client: Calls, talk: Talk) -> None:
    """Bring the session of a talk to where the talk is; what fails can be tried again."""
    new = talk.unkept()
    if talk.cut:
        await _cut(client, talk)
    if not new:
        return
    if not talk.session:
        order = {"title": talk.title, "model": talk.model}
        talk.session = (await client.post(SESSIONS, order))["id"]
        talk.known_model = talk.model
    elif talk.model != talk.known_model:
        await client.post(f"{SESSIONS}/{talk.session}", {"model": talk.model})
        talk.known_model = talk.model
    for start in range(0, len(new), PAGE):
        await _add(client, talk, new[start : start + PAGE])


async def _cut(client: Calls, talk: Talk) -> None:
    try:
        await client.delete(f"{SESSIONS}/{talk.session}/messages/{talk.cut}")
    except NotFound as error:
        # an earlier attempt did it, or somebody else; a session that is gone is another matter
        if "message" not in error.message:
            raise
    talk.cut = ""


async def _add(client: Calls, talk: Talk, turns: Sequence[Turn]) -> None:
    messages = [turn.kept_form() for turn in turns]
    path = f"{SESSIONS}/{talk.session}/messages"
    kept = (await client.post(path, {"messages": messages}))["messages"]
    for turn, message in zip(turns, kept, strict=True):
        turn.kept = message["id"]


async def rename(client: Calls, session: str, title: str) -> None:
    """Give a session another title."""
    await client.post(f"{SESSIONS}/{session}", {"title": title})


async def remove(client: Calls, session: str) -> None:
    """Delete a session."""
    await client.delete(f"{SESSIONS}/{session}")
