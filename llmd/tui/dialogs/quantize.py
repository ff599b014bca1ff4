"""Shows what types a model can become, with the sizes it would have."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec
from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Checkbox, Input, Label, Static

from llmd.errors import InvalidRequest, LlmdError
from llmd.protocol import amounts
from llmd.protocol.quantization import Recipe, TypeCard
from llmd.tui.cells import Cell, Column, Row, Tone
from llmd.tui.dialogs.dialog import Dialog
from llmd.tui.widgets.rows import Rows

_COLUMNS = (
    Column(name="TYPE"),
    Column(name="SIZE", right=True),
    Column(name="BITS", right=True),
    Column(name="FOR", flexible=True),
)
_USUAL = "Q4_K_M"


class QuantizeOrder(msgspec.Struct, frozen=True):
    """What to make, and from what; no name: MODEL:TYPE."""

    model: str
    recipe: Recipe
    name: str | None = None


class QuantizeDialog(Dialog[QuantizeOrder]):
    """Ends with what to make."""

    ACCEPT = "Quantise"

    def __init__(self, model: str) -> None:
        super().__init__(f"Quantise {model}")
        self._model = model
        self._types: dict[str, TypeCard] = {}

    def body(self) -> ComposeResult:
        """List types above what may be said of them."""
        yield Static("Reckoning what sizes it would have ...", id="asking", classes="help")
        yield Rows(_COLUMNS, id="types")
        with Grid(classes="form"):
            yield Label("Name")
            yield Input(placeholder=f"{self._model}:TYPE", id="name", compact=True)
            yield Label("Importance")
            yield Input(placeholder="file of a matrix, .gguf or .dat", id="imatrix", compact=True)
        yield Checkbox("Also from weights that lost much already", id="requantize", compact=True)

    def on_mount(self) -> None:
        """Ask for the types, and begin at the usual choice."""
        self.query_one(Rows).display = False
        self.run_worker(self._ask())

    async def _ask(self) -> None:
        path = f"/control/quantizations?model={quote(self._model, safe='')}"
        try:
            answer = await self.client.get(path)
        except LlmdError as error:
            if not self.gone:
                self.query_one("#asking").display = False
                self.fault(error)
            return
        if self.gone:
            return
        self.query_one("#asking").display = False
        types = msgspec.convert(answer["types"], list[TypeCard])
        self._types = {card.name: card for card in types}
        rows = self.query_one(Rows)
        rows.display = True
        rows.fill([row(card) for card in types])
        rows.go(_USUAL)
        rows.focus()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Say what the type needs."""
        card = self._types.get(event.key or "")
        self.fault(None if card is None else trouble(card))

    def on_data_table_row_selected(self) -> None:
        """Take enter on a type for the answer."""
        self.action_accept()

    def answer(self) -> QuantizeOrder:
        """Return the order; raise InvalidRequest for a type that cannot be had so."""
        card = self._types.get(self.query_one(Rows).key or "")
        if card is None:
            raise InvalidRequest("Choose a type.", param="type")
        imatrix = self.query_one("#imatrix", Input).value.strip()
        requantize = self.query_one("#requantize", Checkbox).value
        problem = trouble(card)
        if problem and not (imatrix if card.needs_imatrix else requantize):
            raise problem
        recipe = Recipe(
            type=card.name,
            imatrix=str(Path(imatrix).expanduser().absolute()) if imatrix else "",
            requantize=requantize,
        )
        return QuantizeOrder(
            self._model, recipe, self.query_one("#name", Input).value.strip() or None
        )


def trouble(card: TypeCard) -> LlmdError | None:
    """Return what stands in the way of a type, if anything does."""
    if card.needs_imatrix:
        return InvalidRequest(
            f"{card.name} needs an importance matrix.", hint="Name its file.", param="imatrix"
        )
    if card.refusal:
        return InvalidRequest(card.refusal, hint="Tick the box to do it nevertheless.")
    return None


def row(card: TypeCard) -> Row:
    """Return the row of a type."""
    bits = card.model_bits or card.bits
    tone = Tone.DIM if trouble(card) else Tone.PLAIN
    cells = (
        Cell(card.name, tone),
        Cell(amounts.size(card.size) if card.size else "", tone),
        Cell(f"{bits:.2f}", tone),
        Cell(card.purpose, tone),
    )
    return Row(card.name, cells)
