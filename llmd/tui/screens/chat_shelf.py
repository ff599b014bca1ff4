"""The conversations at the side of the chat page: found, opened, renamed, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from llmd.errors import LlmdError
from llmd.tui.chat import keeping, rows
from llmd.tui.chat.rows import SessionRow
from llmd.tui.chat.talk import Talk
from llmd.tui.dialogs.ask_text import AskText
from llmd.tui.dialogs.confirm import Confirm
from llmd.tui.screens.talk_page import TalkPage
from llmd.tui.widgets.session_list import SessionList


class Shelf:
    """What is kept, as far as it was listed."""

    def __init__(self, page: TalkPage, stop: Callable[[Talk], object]) -> None:
        """`stop` ends the answer to a talk."""
        self._page = page
        self._stop = stop
        self._desk = page.desk
        self._kept: list[dict[str, Any]] = []
        self._whole = False
        """Whether that is all."""

    @property
    def _list(self) -> SessionList:
        return self._page.query_one(SessionList)

    async def renew(self, *, more: bool = False) -> None:
        """List anew, or on from where the list ends."""
        if self._page.ending:
            return
        skip = len(self._kept) if more else 0
        found = await keeping.sessions(self._page.client, self._list.words, skip)
        self._kept = [*self._kept, *found] if more else found
        self._whole = len(found) < keeping.LISTED
        titles = {session["id"]: session["title"] for session in self._kept}
        for talk in self._desk.talks:
            talk.title = titles.get(talk.session, talk.title)
        self._page.mark()

    def mark(self) -> None:
        """Show which conversation is shown, and which are being answered."""
        self._list.fill(rows.rows(self._kept, self._desk.talks, self._page.talk, time.time()))

    def search(self, *, more: bool = False) -> None:
        """List what holds the words that are searched for."""
        self._page.run_worker(self._search(more=more), group="searching", exclusive=True)

    async def _search(self, *, more: bool) -> None:
        try:
            await self.renew(more=more)
        except LlmdError as error:
            self._page.tell(error)

    def take(self, wish: SessionList.Wish) -> None:
        """Do what is wanted of a row."""
        row = wish.row
        if wish.what == "new":
            self._page.action_new()
        elif wish.what == "more":
            if not self._whole:
                self.search(more=True)
        elif row:
            self._rows[wish.what](row)

    @property
    def _rows(self) -> dict[str, Callable[[SessionRow], None]]:
        return {
            "open": self.open,
            "rename": lambda row: self.rename(row.key, row.title.strip()),
            "delete": lambda row: self.remove(row.key, row.title.strip()),
        }

    def open(self, row: SessionRow) -> None:
        """Show a conversation."""
        if row.key:
            self._page.perform(self._reopen(row.key), group="opening")
        elif row.place < len(self._desk.talks):
            talk = self._desk.show(self._desk.talks[row.place])
            self._page.call_later(self._page.show_talk, talk)

    async def _reopen(self, session: str) -> None:
        await self._page.show_talk(await self._desk.open(session))

    def rename(self, session: str, title: str) -> None:
        """Ask for another title of a kept conversation."""
        if not session:
            self._page.notify("It has no title before it is kept: ask something.")
            return

        def named(text: str | None) -> None:
            if text:
                self.retitle(session, text)

        self._page.app.push_screen(AskText("Title of the conversation", title), named)

    def retitle(self, session: str, title: str) -> None:
        """Give a kept conversation another title."""
        self._page.perform(self._retitle(session, title))

    async def _retitle(self, session: str, title: str) -> None:
        await self._desk.rename(session, title)
        await self.renew()

    def remove(self, session: str, title: str) -> None:
        """Delete a conversation, once somebody said yes; without an id the one that is shown."""

        def sure(yes: bool | None) -> None:  # noqa: FBT001  what the dialog ends with
            if yes:
                self._page.perform(self._remove(session))

        text = f"Delete {title}, with all that was said?"
        self._page.app.push_screen(Confirm("Delete", text), sure)

    async def _remove(self, session: str) -> None:
        for talk in self._desk.named(session):
            self._stop(talk)
        if await self._desk.remove(session):
            await self._page.show_talk(self._page.talk)
        await self.renew()
