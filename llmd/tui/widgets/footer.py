"""The line of keys at the bottom: what works now, each a button too.

Textual's footer is a widget for each key, made anew whenever the focus moves; that took a quarter
of all time that this interface computes. Here they are one text, and a click is looked up in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Leave, MouseDown, MouseMove, Resize
from textual.screen import Screen
from textual.widgets import Static

_KEY = "bold $footer-key-foreground"
_WORD = "$footer-description-foreground"
_HOVER = "on $block-hover-background"
_WIDE, _CLOSE = 2, 1
_EDGE = "▏"


class Key(NamedTuple):
    """One key: what it is called, what it does, and what is to be pressed."""

    shown: str
    does: str
    press: str
    enabled: bool = True

    @property
    def text(self) -> Content:
        """How it stands in the line."""
        dim = "" if self.enabled else " dim"
        key = Content.styled(self.shown, _KEY + dim)
        return Content.assemble(key, " ", (self.does, _WORD + dim))


class Place(NamedTuple):
    """Where a key stands."""

    key: Key
    start: int
    end: int


def places(keys: Sequence[Key], width: int) -> list[Place]:
    """Return where keys stand in a line; the last ones that find no room are left out."""
    gap = _WIDE if _length(keys, _WIDE) <= width else _CLOSE
    found: list[Place] = []
    start = 0
    for key in keys:
        end = start + key.text.cell_length
        if end > width:
            break
        found.append(Place(key, start, end))
        start = end + gap
    return found


def _length(keys: Sequence[Key], gap: int) -> int:
    return sum(key.text.cell_length + gap for key in keys) - gap


class KeyLine(Static):
    """The keys of the page and of what has the focus, and the command palette's at the right."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        background: $footer-background;
        color: $footer-foreground;
        text-wrap: nowrap;
        &:hover { pointer: pointer; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Key] = []
        self._palette: Key | None = None
        self._places: list[Place] = []
        self._under: Key | None = None

    def on_mount(self) -> None:
        """Hear of all that changes the keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.app.app_focus:
            self.call_after_refresh(self._read)

    def _read(self) -> None:
        bindings = self.screen.active_bindings
        palette = bindings.get(self.app.COMMAND_PALETTE_BINDING)
        last = next(self._named([palette]), None) if palette else None
        keys = [*self._named(one for one in bindings.values() if one.binding.show)]
        if (keys, last) != (self._keys, self._palette):
            self._keys, self._palette = keys, last
            self._draw()

    def _named(self, bindings: Iterable[ActiveBinding]) -> Iterator[Key]:
        """Yield what bindings are called, of several for one action the first."""
        seen: set[str] = set()
        for one in bindings:
            binding = one.binding
            if binding.action not in seen:
                seen.add(binding.action)
                shown = self.app.get_key_display(binding)
                yield Key(shown, binding.description, binding.key, one.enabled)

    def on_resize(self, _event: Resize) -> None:
        """Lay the keys out anew."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        own = self._lit(self._palette) if self._palette else Content()
        last = Content.assemble((_EDGE, "$foreground 20%"), own)
        room = width - last.cell_length - 1 if self._palette else width
        self._places = places(self._keys, room)
        line = Content()
        for place in self._places:
            line += Content(" " * (place.start - line.cell_length)) + self._lit(place.key)
        if self._palette:
            start = width - last.cell_length
            line += Content(" " * (start - line.cell_length)) + last
            self._places.append(Place(self._palette, start, width))
        self.update(line, layout=False)

    def _lit(self, key: Key) -> Content:
        return key.text.stylize(_HOVER) if key == self._under else key.text

    def _at(self, column: int) -> Key | None:
        found = (place.key for place in self._places if place.start <= column < place.end)
        return next(found, None)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Mark the key under the mouse."""
        self._mark(self._at(event.x))

    def on_leave(self, _event: Leave) -> None:
        """Mark none."""
        self._mark(None)

    def _mark(self, key: Key | None) -> None:
        if key != self._under:
            self._under = key
            self._draw()

    def on_mouse_down(self, event: MouseDown) -> None:
        """Press the key under the mouse."""
        key = self._at(event.x)
        if key and key.enabled:
            self.app.simulate_key(key.press)
