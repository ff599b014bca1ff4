"""Where a message is typed: several lines, what was typed before, completion of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from llmd.tui.chat.lines import Lines

_NEW_LINE = frozenset(("shift+enter", "ctrl+j", "alt+enter"))
_TABS = ("f6", "f7")
"""Keys of the text area that belong to the application."""


class Composer(TextArea):
    """Enter sends; a backslash before it, or another key, begins a new line instead."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 3;
        max-height: 10;
        border: round $foreground 30%;
        border-title-color: $text-accent;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        background: $background;
        scrollbar-size-vertical: 1;
    }
    Composer:focus { border: round $primary; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send"),
        Binding("ctrl+j", "new_line", "New line"),
        Binding("tab", "complete", "Complete", show=False),
    ]

    class Sent(Message):
        """A message was sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Emptied(Message):
        """Somebody deletes where nothing is left."""

    def __init__(
        self,
        lines: Lines,
        suggest: Callable[[str], str],
        *,
        id: str | None = None,  # noqa: A002  Textual's word
    ) -> None:
        """`suggest` returns how a text may go on."""
        super().__init__(
            id=id,
            highlight_cursor_line=False,
            placeholder="Ask something, or / for commands",
        )
        self._lines = lines
        self._suggest = suggest
        for key in _TABS:
            self._bindings.key_to_bindings.pop(key, None)

    def update_suggestion(self) -> None:
        """Suggest how a command goes on, where its end is typed."""
        self.suggestion = self._suggest(self.text) if self.cursor_at_end_of_text else ""

    async def _on_key(self, event: events.Key) -> None:
        act = {"enter": self.action_send, "tab": self.action_complete}.get(event.key)
        if event.key in _NEW_LINE:
            act = self.action_new_line
        if event.key == "backspace" and not self.text:
            self.post_message(self.Emptied())
        if act:
            # the text area would put a line break there
            event.prevent_default()
            event.stop()
            act()

    def action_send(self) -> None:
        """Send what is typed."""
        if self.text.endswith("\\"):
            self.action_delete_left()
            self.action_new_line()
            return
        text = self.text.strip()
        if text:
            self.post_message(self.Sent(text))

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")
        self.scroll_cursor_visible()

    def action_complete(self) -> None:
        """Take the suggestion, or go on to the next widget."""
        if self.suggestion:
            self.insert(self.suggestion)
        else:
            self.screen.focus_next()

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002  Textual's
        """Go up, from the first line to what was typed before."""
        older = self._lines.older(self.text) if self.cursor_at_first_line and not select else None
        if older is None:
            super().action_cursor_up(select)
        else:
            self.put(older)

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002  Textual's
        """Go down, from the last line to what was typed after."""
        newer = self._lines.newer() if self.cursor_at_last_line and not select else None
        if newer is None:
            super().action_cursor_down(select)
        else:
            self.put(newer)

    def put(self, text: str) -> None:
        """Show a text with the cursor behind it."""
        self.text = text
        self.move_cursor(self.document.end)

    def sent(self, text: str) -> None:
        """Note that a text was taken, and be empty."""
        self._lines.add(text)
        self.put("")
