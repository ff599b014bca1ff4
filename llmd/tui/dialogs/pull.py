"""Names what to fetch: a variant of the catalogue, or anything that `llmd pull` takes."""

from __future__ import annotations

import msgspec
from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Checkbox, Input, Label, Static

from llmd.config.values import Size
from llmd.errors import InvalidRequest
from llmd.protocol import amounts
from llmd.protocol.catalog import Fit, Offer
from llmd.tui.cells import Cell, Column, Row, Tone
from llmd.tui.dialogs.dialog import Dialog
from llmd.tui.widgets.rows import Rows

_COLUMNS = (
    Column(name="NAME", flexible=True),
    Column(name="SIZE", right=True),
    Column(name="FITS"),
    Column(name="", rank=1),
)
_FITS = {
    Fit.YES: Cell("yes", Tone.GOOD),
    Fit.TIGHT: Cell("tight", Tone.WARN),
    Fit.NO: Cell("no", Tone.BAD),
    Fit.UNKNOWN: Cell("?"),
}
_FORMS = (
    "A name of the catalogue, OWNER/REPO[:TYPE] of the Hugging Face hub, ollama://NAME:TAG, "
    "modelscope://OWNER/REPO, or the address of a GGUF file."
)


class PullOrder(msgspec.Struct, frozen=True):
    """What to fetch; `limit` in bytes per second."""

    name: str
    limit: int | None = None
    now: bool = False


class PullDialog(Dialog[PullOrder]):
    """Ends with what to fetch."""

    ACCEPT = "Pull"

    def __init__(self, name: str = "", offer: Offer | None = None) -> None:
        super().__init__(f"Pull {name}".rstrip() if offer else "Pull a model")
        self._begin = name
        self._offer = offer

    def body(self) -> ComposeResult:
        """List variants above a field for any name."""
        if self._offer:
            yield Rows(_COLUMNS, id="variants")
        else:
            yield Static(_FORMS, classes="help", markup=False)
        with Grid(classes="form"):
            yield Label("Name")
            yield Input(self._begin, id="name", compact=True)
            yield Label("At most")
            yield Input(placeholder="no limit, or such as 5MB (a second)", id="limit", compact=True)
        yield Checkbox("Do not wait for the hours of downloads", id="now", compact=True)

    def on_mount(self) -> None:
        """Begin at the usual variant."""
        if self._offer is None:
            self.query_one("#name").focus()
            return
        rows = self.query_one(Rows)
        rows.fill([_row(self._offer, place) for place in range(len(self._offer.variants))])
        rows.focus()
        usual = [v.name for v in self._offer.variants if v.quantization == self._offer.quantization]
        rows.go(usual[0] if usual else self._begin)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Take the name of a variant."""
        if event.key:
            self.query_one("#name", Input).value = event.key

    def on_data_table_row_selected(self) -> None:
        """Take enter on a variant for the answer."""
        self.action_accept()

    def answer(self) -> PullOrder:
        """Return the order; raise InvalidRequest."""
        name = self.query_one("#name", Input).value.strip()
        if not name:
            raise InvalidRequest("Give a name.", param="name")
        text = self.query_one("#limit", Input).value.strip()
        try:
            limit = int(Size.parse(text.removesuffix("/s"))) if text else None
        except ValueError as error:
            raise InvalidRequest(f"At most: {error}.", param="limit") from None
        return PullOrder(name, limit, self.query_one("#now", Checkbox).value)


def _row(offer: Offer, place: int) -> Row:
    variant = offer.variants[place]
    usual = variant.quantization == offer.quantization
    size = amounts.size(variant.size) if variant.size else "?"
    note = "usual" if usual else ""
    if variant.name in offer.installed:
        note = "here"
    return Row(
        variant.name,
        (Cell(variant.name), Cell(size), _FITS[variant.fit], Cell(note, Tone.DIM)),
    )
