"""Talking with models: conversations at the side, what was said, and a line to say more."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from llmd.errors import LlmdError
from llmd.protocol.feed import Snapshot
from llmd.tui.chat import code, commands
from llmd.tui.screens.chat_answers import Answers
from llmd.tui.screens.chat_orders import Hands, obey
from llmd.tui.screens.chat_shelf import Shelf
from llmd.tui.screens.talk_page import TalkPage
from llmd.tui.widgets.composer import Composer
from llmd.tui.widgets.said import Said
from llmd.tui.widgets.session_list import SessionList


class ChatPage(TalkPage):
    """What `llmd chat` does, with all conversations at hand."""

    TAB = "chat"
    CSS_PATH = "chat.tcss"
    AUTO_FOCUS = "#composer"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Stop or go back", show=False),
        Binding("ctrl+n", "new", "New"),
        Binding("ctrl+b", "sessions", "Sessions"),
        Binding("ctrl+o", "options", "Options"),
        Binding("ctrl+r", "again", "Again"),
        Binding("ctrl+g", "attach", "Attach a picture", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.answers = Answers(self, self._list)
        self.shelf = Shelf(self, self.answers.stop)
        self._learned = False

    def body(self) -> ComposeResult:
        """Lay it out."""
        with Horizontal(id="talking"):
            yield SessionList(id="sessions")
            yield from super().body()

    async def on_mount(self) -> None:
        """Begin with an empty talk."""
        await self.show_talk(self.talk)

    async def on_unmount(self) -> None:
        """Keep what came of answers that are still under way."""
        await self.answers.leave()

    def on_screen_resume(self) -> None:
        """Look again at what may have changed meanwhile."""
        self._learned = False
        super().on_screen_resume()

    def take(self, snapshot: Snapshot) -> None:
        """Say how the answer stands; after a time without the daemon, catch up with it."""
        self.answers.take(snapshot)
        if not self._learned:
            self._learned = True
            self.perform(self._learn())
        if self.desk.waiting:
            self.perform(self.answers.keep_waiting(), group="keeping")

    def lose(self, error: LlmdError) -> None:  # noqa: ARG002  the banner says it
        """Learn everything anew once the daemon is back."""
        self._learned = False
        self.mark()

    def mark(self) -> None:
        """Show what stands around the talk, and in the list."""
        super().mark()
        if not self.ending:
            self.shelf.mark()

    async def _learn(self) -> None:
        self.mark()
        await self.desk.learn()
        await self._list()

    async def _list(self) -> None:
        await self.shelf.renew()

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        order = commands.parse(event.text)
        if self.talk.answer and not order:
            self.notify("The answer is still coming: esc stops it.", severity="warning")
            return
        self.composer.sent(event.text)
        aside = self.put_back()
        if order:
            self.editing = None
            obey(Hands(self, self.answers, self.shelf), *order)
        else:
            self.talk.draft = aside
            self.answers.speak(event.text)

    @on(Said.Wish)
    def _turn_wish(self, event: Said.Wish) -> None:
        event.stop()
        turn = event.turn
        if event.what == "edit":
            self.edit(turn)
        elif event.what == "again":
            self.answers.again(turn)
        elif event.what == "copy":
            self.copy(turn.text)
        elif event.what == "code":
            self.copy("\n\n".join(code.blocks(turn.text)))
        elif event.what not in {"before", "after"} or not self.transcript.go(turn, event.what):
            self.composer.focus()

    @on(SessionList.Wish)
    def _row_wish(self, event: SessionList.Wish) -> None:
        event.stop()
        self.shelf.take(event)

    @on(SessionList.Searched)
    def _searched(self) -> None:
        self.shelf.search()

    def action_back(self) -> None:
        """Stop the answer, or leave what one is at."""
        if self.puts_back:
            self.editing = None
            self.put_back()
            self.mark()
        elif self.answers.stop(self.talk):
            return
        elif self.composer.has_focus and (said := self.query(Said)):
            said.last().focus()
        else:
            self.composer.focus()

    def action_sessions(self) -> None:
        """Go to the list of conversations, or put it away."""
        self.toggle_class("-sessions" if self.has_class("-narrow") else "-no-sessions")
        shown = self.query_one(SessionList)
        if shown.display:
            shown.enter()
        else:
            self.composer.focus()

    def action_again(self) -> None:
        """Answer the last question anew."""
        self.answers.again(None)
