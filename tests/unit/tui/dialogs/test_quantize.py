from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Checkbox, Input

from llmd.errors import ModelNotFound
from llmd.protocol.quantization import Recipe, TypeCard
from llmd.tui.cells import Tone
from llmd.tui.dialogs import QuantizeDialog, QuantizeOrder
from llmd.tui.dialogs.quantize import row, trouble
from llmd.tui.widgets.rows import Rows
from tests.fakes.control import FakeControl
from tests.fakes.dialogs import Host
from tests.fakes.shelf import settle, text

TYPES: list[dict[str, Any]] = [
    {"name": "F16", "bits": 16.0, "purpose": "unquantised", "refusal": "It is Q8_0 already."},
    {
        "name": "Q4_K_M",
        "bits": 4.8,
        "purpose": "the usual choice",
        "size": 2_800_000,
        "model_bits": 5.27,
    },
    {"name": "IQ2_M", "bits": 2.7, "purpose": "very small", "needs_imatrix": True},
]


def host() -> Host:
    control = FakeControl()
    control.answers["GET /control/quantizations?model=acme%2Fx%3AQ8_0"] = {"types": TYPES}
    return Host(QuantizeDialog("acme/x:Q8_0"), control)


async def test_it_begins_at_the_usual_type_with_the_sizes_of_this_model() -> None:
    app = host()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "2.8 MB" in text(pilot)
        await pilot.press("enter")
        assert app.ended == [QuantizeOrder("acme/x:Q8_0", Recipe(type="Q4_K_M"))]


async def test_a_type_that_needs_a_matrix_waits_for_its_file(tmp_path: Path) -> None:
    app = host()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.dialog.query_one(Rows).go("IQ2_M")
        await pilot.press("enter")
        assert app.fault == "IQ2_M needs an importance matrix. Name its file."
        app.dialog.query_one("#imatrix", Input).value = str(tmp_path / "m.gguf")
        app.dialog.query_one("#name", Input).value = "small"
        await pilot.press("enter")
        recipe = Recipe(type="IQ2_M", imatrix=str(tmp_path / "m.gguf"))
        assert app.ended == [QuantizeOrder("acme/x:Q8_0", recipe, "small")]


async def test_a_poor_source_is_taken_only_when_that_is_ticked() -> None:
    app = host()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.dialog.query_one(Rows).go("F16")
        await pilot.press("enter")
        assert app.fault.startswith("It is Q8_0 already.")
        app.dialog.query_one(Checkbox).value = True
        await pilot.press("enter")
        assert app.ended == [QuantizeOrder("acme/x:Q8_0", Recipe(type="F16", requantize=True))]


async def test_a_refusal_of_the_daemon_is_told() -> None:
    control = FakeControl()
    control.answers["GET /control/quantizations?model=gone"] = ModelNotFound("There is no gone.")
    app = Host(QuantizeDialog("gone"), control)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.fault == "There is no gone."
        await pilot.press("ctrl+s")
        assert app.ended == []


@pytest.mark.parametrize(("number", "tone"), [(0, Tone.DIM), (1, Tone.PLAIN), (2, Tone.DIM)])
def test_types_that_cannot_be_had_at_once_are_dim(number: int, tone: Tone) -> None:
    card = TypeCard(**TYPES[number])
    assert row(card).cells[0].tone is tone
    assert (trouble(card) is None) == (tone is Tone.PLAIN)
