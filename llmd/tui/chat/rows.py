"""Rows of the list of conversations. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len, set_cell_size

from llmd.protocol import amounts
from llmd.tui.chat.plain import plain
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.wording import excerpt

WIDTH = 20
"""Cells of a title."""


class SessionRow(NamedTuple):
    """One conversation, kept or open."""

    key: str
    """Id of the session; empty: it is not kept yet."""
    title: str
    age: str
    shown: bool
    busy: bool
    place: int = -1
    """Of a talk that is open, among those."""


def rows(
    kept: Sequence[Mapping[str, Any]], talks: Sequence[Talk], shown: Talk, now: float
) -> list[SessionRow]:
    """Return the rows: first what is open and not kept yet, then what is kept."""
    opened = {talk.session: talk for talk in talks if talk.session}
    found = [
        SessionRow("", _title(_said(talk)), "", talk is shown, talk.answer is not None, place)
        for place, talk in enumerate(talks)
        if not talk.session and (talk.turns or talk.draft)
    ]
    for session in kept:
        talk = opened.get(session["id"])
        age = amounts.duration(now - session["updated_at"])
        busy = talk is not None and talk.answer is not None
        title = _title(session["title"])
        found.append(SessionRow(session["id"], title, age.rjust(4), talk is shown, busy))
    return found


def _said(talk: Talk) -> str:
    first = next((turn.text for turn in talk.turns if turn.role == "user"), "")
    return talk.title or first or talk.draft


def _title(text: str) -> str:
    """Return a title in WIDTH cells, whatever characters it has."""
    flat = excerpt(plain(text), 200) or "(no title)"
    if cell_len(flat) > WIDTH:
        flat = set_cell_size(flat, WIDTH - 1).rstrip() + "…"
    return set_cell_size(flat, WIDTH)
