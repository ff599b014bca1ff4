"""Lines of details, for panes and dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from llmd.tui.cells import Cell, Line, Tone, wrapped
from llmd.tui.drawing import MUTED

_STYLES = {
    Tone.PLAIN: "",
    Tone.DIM: MUTED,
    Tone.STRONG: "bold",
    Tone.GOOD: "$text-success",
    Tone.WARN: "$text-warning",
    Tone.BAD: "$text-error",
    Tone.ACCENT: "$text-accent",
}


class Details(Static):
    """Named lines; long texts go on in the next line."""

    DEFAULT_CSS = """
    Details { width: 1fr; height: auto; }
    """

    def __init__(self, lines: Sequence[Line] = (), **options: Any) -> None:
        super().__init__(content(lines), markup=False, **options)
        self._lines = tuple(lines)

    def fill(self, lines: Sequence[Line]) -> None:
        """Show other lines."""
        found = tuple(lines)
        if found != self._lines:
            self._lines = found
            self.update(content(found, self.size.width))

    def on_resize(self) -> None:
        """Break lines anew."""
        self.update(content(self._lines, self.size.width))


def content(lines: Sequence[Line], width: int = 0) -> Content:
    """Return lines with their names in a column of their own; 0: of any width."""
    names = max((cell_len(line.name) for line in lines if line.value), default=0)
    return Content("\n").join(_line(line, names, width) for line in lines)


def _line(line: Line, names: int, width: int) -> Content:
    if not line.value:
        return Content.styled(line.name, "bold")
    indent = " " * (names + 2) if line.name else ""
    said = [_styled(cell) for cell in line.value]
    if len(line.value) == 1:
        cell = line.value[0]
        rows = wrapped(cell.text, width - len(indent))
        said = [Content(f"\n{indent}").join(_styled(Cell(row, cell.tone)) for row in rows)]
    if not line.name:
        return Content.assemble(*said)
    gap = " " * (names - cell_len(line.name) + 2)
    return Content.assemble((line.name, MUTED), gap, *said)


def _styled(cell: Cell) -> Content:
    return Content.styled(cell.text, _STYLES[cell.tone])
