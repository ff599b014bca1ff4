"""What was said: the end of a talk, and more of it as one scrolls up."""

from __future__ import annotations

import asyncio

from textual.containers import VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widgets import Static

from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn
from llmd.tui.widgets.said import Said

WINDOW = 30
"""Turns that are shown at first, and that each look back adds."""
_EMPTY = (
    "Ask something below.\n\n"
    "Enter sends, ctrl+j begins a new line, ↑ brings back what was typed before.\n"
    "/ lists commands, esc stops an answer, then leaves the line."
)


class Transcript(VerticalScroll, can_focus=False):
    """Shows a talk; it stays at the end unless somebody scrolls away."""

    DEFAULT_CSS = """
    Transcript { height: 1fr; scrollbar-size-vertical: 1; }
    Transcript #nothing { color: $text-muted; padding: 1 2; height: auto; }
    Transcript #earlier { color: $text-muted; text-align: center; height: 1; display: none; }
    Transcript #earlier.-shown { display: block; }
    """

    class Top(Message):
        """Somebody looks at the beginning of what is shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._talk = Talk()
        self._first: Turn | None = None
        self._growing = False
        self._changing = asyncio.Lock()

    async def show(self, talk: Talk) -> None:
        """Show the end of a talk."""
        async with self._changing:
            self._talk = talk
            self._first = talk.turns[-WINDOW:][0] if talk.turns else None
            with self.app.batch_update():
                await self.remove_children()
                await self.mount(Static(id="earlier"))
                await self._renew()
            self.anchor(bool(talk.turns))

    async def renew(self) -> None:
        """Show what has become of the talk: turns that are gone go, new ones come."""
        async with self._changing:
            await self._renew()
            if not self.is_anchored:
                self.anchor()

    async def _renew(self) -> None:
        wanted = self._wanted()
        there = list(self.query(Said))
        same = 0
        while same < min(len(there), len(wanted)) and there[same].turn is wanted[same]:
            same += 1
        for said in there[same:]:
            await said.remove()
        await self.mount_all([Said(turn) for turn in wanted[same:]])
        for said in self.query(Said):
            said.touch()
        await self._tell(empty=not wanted)

    def _wanted(self) -> list[Turn]:
        turns = self._talk.turns
        start = turns.index(self._first) if self._first in turns else 0
        if turns and start == 0 and not self._talk.missing:
            self._first = turns[0]
        elif self._first not in turns:
            start = max(0, len(turns) - WINDOW)
            self._first = turns[start] if turns else None
        return turns[start:]

    async def _tell(self, *, empty: bool) -> None:
        nothing = self.query("#nothing")
        if empty and not nothing:
            await self.mount(Static(Content(_EMPTY), id="nothing"))
        elif not empty:
            await nothing.remove()
        try:
            line = self.query_one("#earlier", Static)
        except NoMatches:
            return
        hidden = self.hidden
        line.set_class(hidden > 0, "-shown")
        line.update(Content(f"↑ {hidden} earlier messages"))

    @property
    def hidden(self) -> int:
        """How many turns there are before the first one that is shown."""
        turns = self._talk.turns
        before = turns.index(self._first) if self._first in turns else 0
        return before + self._talk.missing

    async def look_back(self) -> None:
        """Show more of what was said before; what is looked at stays where it is."""
        turns = self._talk.turns
        start = turns.index(self._first) if self._first in turns else 0
        if start == 0 or self._growing:
            return
        self._growing = True
        more = turns[max(0, start - WINDOW) : start]
        before = self.query(Said).first()
        await self.mount_all([Said(turn) for turn in more], before=before)
        self._first = more[0]
        await self._tell(empty=False)
        self.call_after_refresh(self._settle, before)

    def _settle(self, before: Said) -> None:
        self._growing = False
        if before.is_attached:
            self.scroll_to_widget(before, animate=False, top=True, immediate=True)

    def said(self, turn: Turn) -> Said | None:
        """Return where a turn is shown."""
        return next((said for said in self.query(Said) if said.turn is turn), None)

    def go(self, turn: Turn, where: str) -> bool:
        """Go from a turn to the one `before` or `after` it; return whether one is there."""
        there = list(self.query(Said))
        place = next((n for n, said in enumerate(there) if said.turn is turn), 0)
        place += -1 if where == "before" else 1
        if place < 0:
            self.post_message(self.Top())
            return True
        if place < len(there):
            there[place].focus()
        return place < len(there)

    def touch(self, turn: Turn) -> None:
        """Show more of a turn."""
        if said := self.said(turn):
            said.touch()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Tell when the beginning comes into sight."""
        super().watch_scroll_y(old, new)
        if new <= 1 < old and self.hidden:
            self.post_message(self.Top())
