"""A table that fits its width, keeps its cursor on a row whatever comes and goes, and draws anew
only what changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import DataTable

from llmd.tui.cells import GAP, Cell, Column, Row, Tone, fitted


class Rows(DataTable[Text]):
    """Rows of cells; the columns that do not fit are left out, those of the highest rank first."""

    DEFAULT_CSS = """
    Rows {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    Rows:focus { background-tint: $foreground 0%; }
    Rows > .datatable--header { background: $background; color: $text-muted; text-style: bold; }
    Rows > .datatable--odd-row { background: $background; }
    Rows > .datatable--even-row { background: $background; }
    """

    class Chosen(Message):
        """The cursor went to another row, or a row came under it; None: there is none."""

        def __init__(self, rows: Rows, key: str | None) -> None:
            super().__init__()
            self.rows_shown = rows
            self.key = key

        @property
        def control(self) -> Rows:
            """The table."""
            return self.rows_shown

    def __init__(self, columns: Sequence[Column], **options: Any) -> None:
        super().__init__(cursor_type="row", cell_padding=GAP // 2, **options)
        self._columns = tuple(columns)
        self._shown: tuple[Row, ...] = ()
        self._layout: list[tuple[int, int]] = []
        self._told: str | None = None
        self._goal: str | None = None
        """Where the cursor goes once there is room to draw."""

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        place = self.cursor_row
        return self._shown[place].key if 0 <= place < len(self._shown) else None

    def fill(self, rows: Sequence[Row]) -> None:
        """Show these rows; the cursor stays with its row, or where it is."""
        found = tuple(rows)
        if found == self._shown and self._layout:
            return
        key, place = self.key, self.cursor_row
        same = [row.key for row in found] == [row.key for row in self._shown]
        before, self._shown = self._shown, found
        layout = self._fit()
        if same and layout == self._layout:
            self._mend(before)
        elif layout:
            self._draw(layout)
            self._return(key, place)
            self._tell()

    def go(self, key: str) -> None:
        """Move the cursor to a row, if it is there."""
        self._goal = key
        if self._layout:
            self._return(key, self.cursor_row)
            self._tell()

    def _fit(self) -> list[tuple[int, int]]:
        needed = [
            max(cell_len(column.name), *(cell_len(row.cells[place].text) for row in self._shown), 0)
            for place, column in enumerate(self._columns)
        ]
        room = self.scrollable_content_region.width or self.size.width
        return fitted(self._columns, needed, room) if room else []

    def _draw(self, layout: list[tuple[int, int]]) -> None:
        with self.prevent(DataTable.RowHighlighted):
            self._layout = layout
            self.clear(columns=True)
            for place, width in layout:
                column = self._columns[place]
                self.add_column(_aligned(Text(column.name), column, width), width=width)
            for row in self._shown:
                self.add_row(*self._texts(row), key=row.key)
        # the table learns its height when it is idle, and now and then forgets to ask for the room
        self.call_after_refresh(self.refresh, layout=True)

    def _mend(self, before: Sequence[Row]) -> None:
        for line, (old, new) in enumerate(zip(before, self._shown, strict=True)):
            if old == new:
                continue
            for spot, (place, width) in enumerate(self._layout):
                if old.cells[place] != new.cells[place]:
                    text = self._text(new.cells[place], self._columns[place], width)
                    self.update_cell_at((line, spot), text)  # type: ignore[arg-type]  # a tuple of places is one

    def _return(self, key: str | None, place: int) -> None:
        keys = [row.key for row in self._shown]
        key, self._goal = self._goal or key, None
        spot = keys.index(key) if key in keys else min(place, len(keys) - 1)
        with self.prevent(DataTable.RowHighlighted):
            self.move_cursor(row=max(0, spot), animate=False)

    def _tell(self) -> None:
        if self.key != self._told:
            self._told = self.key
            self.post_message(self.Chosen(self, self.key))

    def _texts(self, row: Row) -> list[Text]:
        return [
            self._text(row.cells[place], self._columns[place], width)
            for place, width in self._layout
        ]

    def _text(self, cell: Cell, column: Column, width: int) -> Text:
        return _aligned(Text(cell.text, style=self._style(cell.tone), end=""), column, width)

    def _style(self, tone: Tone) -> Style:
        match tone:
            case Tone.PLAIN:
                return Style.null()
            case Tone.DIM:
                return Style(dim=True)
            case Tone.STRONG:
                return Style(bold=True)
            case _:
                name = f"text-{tone}"
                colour = self.app.theme_variables.get(name, "")
                return Style.parse(colour) if colour.startswith("#") else Style.null()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Tell of the row under the cursor."""
        event.stop()
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        """Choose columns anew."""
        del event
        layout = self._fit()
        if layout and layout != self._layout:
            key, place = self.key, self.cursor_row
            self._draw(layout)
            self._return(key, place)
            self._tell()

    def on_mount(self) -> None:
        """Draw anew in another theme."""
        self.app.theme_changed_signal.subscribe(self, self._recolour)

    def _recolour(self, theme: object) -> None:
        del theme
        if self._layout:
            key, place = self.key, self.cursor_row
            self._draw(self._layout)
            self._return(key, place)


def _aligned(text: Text, column: Column, width: int) -> Text:
    text.no_wrap = True
    text.truncate(width, overflow="ellipsis")
    if column.right:
        text.pad_left(max(0, width - text.cell_len))
    return text
