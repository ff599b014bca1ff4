"""One turn of a talk: who says it, the reasoning folded, the text, tool calls, how quick it was."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Collapsible, Markdown, Static

from llmd.errors import ContextOverflow
from llmd.tui.chat import wording
from llmd.tui.chat.plain import plain
from llmd.tui.chat.turns import SYSTEM, Turn, TurnState

_PAUSE = 1 / 15
"""Seconds between two looks at what has come."""
_SAFE = ("http://", "https://", "mailto:")


class Said(Vertical, can_focus=True):
    """Shows a turn; `touch` when there is more of it."""

    DEFAULT_CSS = """
    Said { height: auto; padding: 0 1; border-left: blank; }
    Said:focus { border-left: outer $primary; background: $boost; }
    Said .who { height: 1; color: $text-muted; text-style: bold; }
    Said.-user .who { color: $text-accent; }
    Said.-assistant .who { color: $text-success; }
    Said.-left .what { text-style: dim; }
    Said .what { height: auto; margin: 0 0 1 0; padding: 0 0 0 2; }
    Said Markdown { padding: 0 0 0 2; }
    Said Markdown MarkdownFence { margin: 0 0 1 0; }
    Said .foot { height: auto; padding: 0 0 0 2; margin: 0 0 1 0; }
    Said Collapsible { border: none; padding: 0 0 0 1; background: transparent; }
    Said Collapsible Contents { padding: 0 0 0 2; }
    Said .thought { height: auto; color: $text-muted; text-style: italic; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "wish('before')", "Previous", show=False),
        Binding("down,j", "wish('after')", "Next", show=False),
        Binding("e", "wish('edit')", "Edit"),
        Binding("r", "wish('again')", "Answer again"),
        Binding("y", "wish('copy')", "Copy"),
        Binding("c", "wish('code')", "Copy code"),
        Binding("t", "unfold", "Reasoning"),
        Binding("i,enter", "wish('type')", "Type", show=False),
    ]

    class Wish(Message):
        """Something is wanted of a turn: edit, again, copy, code or type; or the turn before or
        after it.
        """

        def __init__(self, turn: Turn, what: str) -> None:
            super().__init__()
            self.turn = turn
            self.what = what

    def __init__(self, turn: Turn) -> None:
        super().__init__(classes=f"-{turn.role}")
        self.turn = turn
        self._shown = 0 if turn.busy else len(turn.text)
        self._thought = 0, False
        self._timer: Timer | None = None
        self._waits = ""
        self._ready = False
        self._lines: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        """Lay it out; the parts that are not there yet come with `touch`."""
        turn = self.turn
        yield Static(self._heading(), classes="who")
        if turn.role == "assistant":
            yield Markdown(plain(turn.text[: self._shown]), open_links=False)
        else:
            yield Static(self._content(), classes="what")

    async def on_mount(self) -> None:
        """Fill the parts."""
        self._ready = True
        await self._sync()

    def _heading(self) -> Content:
        return Content(plain(wording.heading(self.turn)))

    def _content(self) -> Content:
        turn = self.turn
        lines = [plain(turn.text) or ("No system prompt." if turn.role in SYSTEM else "")]
        lines += [f"▣ {plain(path)}" for path in turn.images]
        if turn.media:
            lines.append(f"▣ {turn.media} pictures or sounds that were not kept")
        return Content("\n".join(line for line in lines if line))

    def touch(self) -> None:
        """Show what has come, soon."""
        if self._timer is None and self._ready:
            self._timer = self.set_timer(_PAUSE, self._sync)

    def wait(self, words: str) -> None:
        """Say why nothing comes yet, or how quickly it comes."""
        if words != self._waits:
            self._waits = words
            self.touch()

    async def _sync(self) -> None:
        self._timer = None
        turn = self.turn
        await self._think()
        if turn.role == "assistant" and len(turn.text) > self._shown:
            new, self._shown = turn.text[self._shown :], len(turn.text)
            await self.query_one(Markdown).append(plain(new))
        await self._mark()

    async def _think(self) -> None:
        """Show the reasoning, folded until somebody unfolds it."""
        text = self.turn.reasoning
        busy = self.turn.busy and not self.turn.text
        if self._thought == (len(text), busy) or not text:
            return
        self._thought = len(text), busy
        if not self.query(Collapsible):
            folded = Collapsible(Static(classes="thought"), title="Reasoning")
            await self.mount(folded, after=self.query_one(".who"))
        title = f"Reasoning · {len(text.split())} words{' …' if busy else ''}"
        self.query_one(Collapsible).title = title
        self.query_one(".thought", Static).update(Content(plain(text.strip())))

    async def _mark(self) -> None:
        turn = self.turn
        self.set_class(turn.left_out, "-left")
        self.set_class(turn.busy, "-busy")
        self.query_one(".who", Static).update(self._heading())
        if turn.role != "assistant":
            self.query_one(".what", Static).update(self._content())
        await self._fill(list(self._below()))
        self.refresh_bindings()

    async def _fill(self, lines: list[tuple[str, str]]) -> None:
        """Show lines with their styles below the text."""
        if lines == self._lines:
            return
        self._lines = lines
        foot = self.query(".foot")
        if not lines:
            await foot.remove()
            return
        content = Content("\n").join(Content.styled(text, style) for text, style in lines)
        if foot:
            foot.only_one(Static).update(content)
        else:
            await self.mount(Static(content, classes="foot"))

    def _below(self) -> Iterator[tuple[str, str]]:
        for call in self.turn.calls:
            yield plain(f"⚒ {call.name} {call.arguments}"), "$text-warning"
        if foot := self._foot():
            yield foot, "$foreground 60%"
        if trouble := self._trouble():
            yield trouble, "$text-error"

    def _foot(self) -> str:
        turn = self.turn
        if turn.busy:
            return f"◌ {self._waits or 'waiting'}"
        if turn.left_out and turn.role == "user":
            return "not answered, and left out of what follows"
        return wording.result(turn) if turn.role == "assistant" else ""

    def _trouble(self) -> str:
        turn = self.turn
        if turn.error:
            hint = f" {turn.error.hint}" if turn.error.hint else ""
            long = isinstance(turn.error, ContextOverflow)
            more = ", ctrl+o can have the oldest messages dropped" if long else ""
            return plain(f"✗ {turn.error.message}{hint}\n  ctrl+r asks again{more}")
        if turn.state is TurnState.FAILED and not turn.left_out:
            return "Nothing came before it was stopped; ctrl+r asks again"
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with such a turn."""
        if action == "unfold":
            return bool(self.turn.reasoning)
        if action == "wish":
            if parameters[0] == "edit":
                return self.turn.role == "user"
            if parameters[0] == "again":
                return not self.turn.busy and self.turn.role in {"user", "assistant"}
            if parameters[0] == "code":
                return "```" in self.turn.text or "~~~" in self.turn.text
        return True

    def action_wish(self, what: str) -> None:
        """Say what is wanted."""
        self.post_message(self.Wish(self.turn, what))

    def action_unfold(self) -> None:
        """Unfold the reasoning, or fold it."""
        for folded in self.query(Collapsible):
            folded.collapsed = not folded.collapsed

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Open a link of the web; models may write any other."""
        event.stop()
        if event.href.startswith(_SAFE):
            webbrowser.open(event.href)
        else:
            self.notify(plain(event.href), markup=False)
