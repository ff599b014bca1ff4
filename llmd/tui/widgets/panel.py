"""A framed part of a page whose lines are drawn for its width."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget

Draw = Callable[[int], Sequence[Content]]


class Panel(Widget):
    """Draws what `show` was given last; it is as high as that has lines."""

    DEFAULT_CSS = """
    Panel {
        height: auto;
        border: round $foreground 30%;
        border-title-color: $text;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    """

    def __init__(
        self,
        title: str = "",
        *,
        id: str | None = None,  # noqa: A002  Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.border_title = Content(title) if title else None
        self._draw: Draw = _nothing
        self._drawn: tuple[int, Sequence[Content]] = (-1, ())

    def show(self, draw: Draw) -> None:
        """Show lines: `draw` returns them for a width in cells."""
        self._draw = draw
        width = self.content_size.width
        lines = draw(width)
        if (width, lines) == self._drawn:
            return
        grown = len(lines) != len(self._drawn[1])
        self._drawn = (width, lines)
        self.refresh(layout=grown)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002  Textual's
        """Return the number of lines."""
        return len(self._lines(width))

    def render(self) -> Content:
        """Return all lines."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> Sequence[Content]:
        if self._drawn[0] != width:
            self._drawn = (width, self._draw(width))
        return self._drawn[1]


def _nothing(_width: int) -> Sequence[Content]:
    return ()
