"""Thousands of log lines, of which only those in sight are drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from llmd.telemetry.log_file import Entry
from llmd.tui.log_lines import Choice, Line, lines, measured, plain

_KEPT = 4000


class LogView(ScrollView, can_focus=True):
    """Entries, filtered, cut or wrapped, at their end while it follows."""

    DEFAULT_CSS = """
    LogView { height: 1fr; background: $background; scrollbar-size-vertical: 1; }
    LogView > .log--time { color: $text-muted; }
    LogView > .log--logger { color: $text-secondary; }
    LogView > .log--details { color: $text-muted; }
    LogView > .log--trace { color: $text-warning; }
    LogView > .log--debug { color: $text-muted; }
    LogView > .log--info { color: $text-success; }
    LogView > .log--warning { color: $text-warning; }
    LogView > .log--error { color: $text-error; text-style: bold; }
    LogView > .log--critical { color: $text-error; text-style: bold reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"log--{name}"
        for name in (
            *("time", "logger", "details", "trace"),
            *("debug", "info", "warning", "error", "critical"),
        )
    }

    class Moved(Message):
        """It follows now, or does not."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._lines: list[Line] = []
        self._widest = 0
        self.choice = Choice()
        self.wraps = False
        self.follows = True
        self._counts: deque[int] = deque(maxlen=_KEPT)
        """Lines of each entry, so that old ones can be dropped."""

    @property
    def taken(self) -> int:
        """Entries that are kept, shown or not."""
        return len(self._entries)

    @property
    def text(self) -> str:
        """What is shown, as text."""
        return plain(self._lines)

    def add(self, entries: Iterable[Entry]) -> None:
        """Append entries; the oldest make room."""
        dropped = 0
        for entry in entries:
            if len(self._entries) == _KEPT:
                dropped += self._counts.popleft()
            self._entries.append(entry)
            self._counts.append(self._append(entry))
        if dropped:
            del self._lines[:dropped]
            self._stay(-dropped)
        self._measure()

    def choose(self, choice: Choice) -> None:
        """Show other entries."""
        self.choice = choice
        self.rebuild()

    def wrap(self, *, wanted: bool) -> None:
        """Let long lines go on in the next line, or be cut."""
        self.wraps = wanted
        self.rebuild()

    def follow(self, *, wanted: bool) -> None:
        """Stay at the end, or where it is."""
        self.follows = wanted
        if wanted:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
        self.post_message(self.Moved())

    def rebuild(self) -> None:
        """Cut all lines anew."""
        self._lines, self._widest = [], 0
        self._counts = deque((self._append(entry) for entry in self._entries), maxlen=_KEPT)
        self._measure()

    def _append(self, entry: Entry) -> int:
        if not self.choice.takes(entry):
            return 0
        made = lines(entry, self.scrollable_content_region.width if self.wraps else 0)
        self._lines += made
        self._widest = max([self._widest, *map(measured, made)])
        return len(made)

    def _measure(self) -> None:
        width = 0 if self.wraps else self._widest
        self.virtual_size = Size(width, len(self._lines))
        if self.follows:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
        self.refresh()

    def _stay(self, moved: int) -> None:
        """Keep the same lines in sight although those above them changed in number."""
        if not self.follows:
            self.scroll_to(y=max(0, self.scroll_y + moved), animate=False, immediate=True)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Stop following when somebody scrolls up, go on at the end."""
        super().watch_scroll_y(old, new)
        if new < old and self.follows and new < self.max_scroll_y:
            self.follows = False
            self.post_message(self.Moved())
        elif not self.follows and new > old and new >= self.max_scroll_y:
            self.follows = True
            self.post_message(self.Moved())

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap anew, and stay at the end while it follows."""
        if self.wraps:
            self.rebuild()
        elif self.follows:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)

    def render_line(self, y: int) -> Strip:
        """Return one line in sight."""
        left, top = self.scroll_offset
        place, width, base = top + y, self.size.width, self.rich_style
        if place >= len(self._lines):
            return Strip.blank(width, base)
        segments = [Segment(text, base + self._style(name)) for text, name in self._lines[place]]
        strip = self._marked(Strip(segments), place)
        return strip.crop_extend(left, left + width, base).apply_offsets(left, place)

    def _style(self, name: str) -> Style:
        known = f"log--{name}" in self.COMPONENT_CLASSES
        return self.get_component_rich_style(f"log--{name}", partial=True) if known else Style()

    def _marked(self, strip: Strip, place: int) -> Strip:
        """Show what the mouse has selected."""
        span = self.text_selection.get_span(place) if self.text_selection else None
        if span is None:
            return strip
        start, end = span
        text = strip.text
        stop = len(text) if end == -1 else end
        marked = self.screen.get_component_rich_style("screen--selection")
        before, chosen, after = text[:start], text[start:stop], text[stop:]
        base = self.rich_style
        return Strip([Segment(before, base), Segment(chosen, marked), Segment(after, base)])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what the mouse has selected."""
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw anew."""
        del selection
        self.refresh()
