from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from llmd.errors import (
    Draining,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    NameTaken,
    NoRoom,
    UnsupportedFormat,
)
from llmd.models.quantization import TYPES
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest
from llmd.protocol.quantization import QuantizeOrder, QuantizeProgress, Recipe
from llmd.services.gate import Gate
from llmd.services.quantization import Quantization, QuantizeEvent
from llmd.telemetry.metrics import Metrics
from tests.fakes.gguf import write
from tests.fakes.moments import moment, until
from tests.fakes.quantizer import FakeQuantizer


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    store = ModelStore(tmp_path / "models", tiny_model)
    store.register(write(tmp_path / "f16.gguf", {"general.file_type": 1}), "m:F16")
    store.register(write(tmp_path / "q5.gguf", {"general.file_type": 17}), "m:Q5_K_M")
    return store


@pytest.fixture
def gate() -> Gate:
    return Gate(Metrics())


@pytest.fixture
def program() -> FakeQuantizer:
    return FakeQuantizer()


@pytest.fixture
def quantization(store: ModelStore, gate: Gate, program: FakeQuantizer) -> Quantization:
    return Quantization(store, gate, program)


async def made(
    quantization: Quantization, model: str, kind: str, name: str | None = None, **recipe: object
) -> list[QuantizeEvent]:
    given = Recipe(type=kind, **recipe)  # type: ignore[arg-type]
    async with aclosing(quantization.quantize(model, given, name)) as events:
        return [event async for event in events]


def left_behind(store: ModelStore) -> list[str]:
    place = store.directory / "quantized"
    return [path.name for path in place.glob(".*")] if place.exists() else []


async def test_progress_comes_and_the_manifest_last(
    quantization: Quantization, store: ModelStore, program: FakeQuantizer
) -> None:
    *progress, manifest = await made(quantization, "m:F16", "q4_k")
    assert isinstance(manifest, ModelManifest)
    assert store.get("m:Q4_K_M") == manifest
    assert manifest.quantization == "Q4_K_M"
    first, last = progress[0], progress[-1]
    assert isinstance(first, QuantizeProgress)
    assert isinstance(last, QuantizeProgress)
    assert (first.status, first.name, first.source) == ("measuring", "m:Q4_K_M", "m:F16")
    assert (last.status, last.done) == ("done", manifest.size)
    [order] = program.orders
    assert isinstance(order, QuantizeOrder)
    assert order.stem == "m-Q4_K_M"
    assert order.spare > 0
    assert left_behind(store) == []


async def test_the_name_may_be_chosen(quantization: Quantization, store: ModelStore) -> None:
    *_, manifest = await made(quantization, "m:F16", "Q4_0", "tiny-one")
    assert store.get("tiny-one") == manifest


async def test_equal_orders_join_and_others_wait(
    quantization: Quantization, program: FakeQuantizer
) -> None:
    program.hold = asyncio.Event()
    tasks = [asyncio.ensure_future(made(quantization, "m:F16", "Q4_0")) for _ in range(3)]
    await until(lambda: program.orders)
    waiting = quantization.quantize("m:F16", Recipe(type="Q6_K"))
    first = await anext(waiting)
    assert isinstance(first, QuantizeProgress)
    assert first.status == "waiting"
    await waiting.aclose()
    tasks.append(asyncio.ensure_future(made(quantization, "m:F16", "Q5_0")))
    await moment(0.1)
    assert len(program.orders) == 1
    program.hold.set()
    results = await asyncio.gather(*tasks)
    names = [event.name for *_, event in results]
    assert names == ["m:Q4_0", "m:Q4_0", "m:Q4_0", "m:Q5_0"]
    assert len(program.orders) == 2
    assert program.most_at_once == 1


async def test_leaving_ends_it_and_leaves_nothing(
    quantization: Quantization, program: FakeQuantizer, store: ModelStore
) -> None:
    program.hold = asyncio.Event()
    task = asyncio.ensure_future(made(quantization, "m:F16", "Q4_0"))
    while not left_behind(store):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert program.left == 1
    assert left_behind(store) == []
    with pytest.raises(ModelNotFound):
        store.get("m:Q4_0")


async def test_a_failure_leaves_nothing_and_the_next_one_works(
    quantization: Quantization, program: FakeQuantizer, store: ModelStore
) -> None:
    program.error = NoRoom("The disk got full.")
    with pytest.raises(NoRoom, match="got full"):
        await made(quantization, "m:F16", "Q4_0")
    assert left_behind(store) == []
    program.error = None
    await made(quantization, "m:F16", "Q4_0")


@pytest.mark.parametrize(
    ("model", "kind", "recipe", "error"),
    [
        ("nobody", "Q4_0", {}, ModelNotFound),
        ("m:F16", "Q9", {}, InvalidRequest),
        ("m:Q5_K_M", "Q4_0", {}, InvalidRequest),
        ("m:Q5_K_M", "Q8_0", {}, InvalidRequest),
        ("m:F16", "Q5_K_M", {}, NameTaken),
        ("m:F16", "Q4_0", {"name": "llmd-tiny"}, NameTaken),
        ("m:F16", "Q4_0", {"name": "../x"}, InvalidRequest),
        ("/nowhere/model.gguf", "Q4_0", {}, ModelNotFound),
        ("/nowhere/model.safetensors", "Q4_0", {}, UnsupportedFormat),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_starts(
    model: str,
    kind: str,
    recipe: dict[str, str],
    error: type[LlmdError],
    quantization: Quantization,
    program: FakeQuantizer,
) -> None:
    with pytest.raises(error):
        await made(quantization, model, kind, **recipe)
    assert program.orders == []


async def test_a_lossy_source_is_taken_where_the_user_insists(quantization: Quantization) -> None:
    *_, manifest = await made(quantization, "m:Q5_K_M", "Q4_0", requantize=True)
    assert isinstance(manifest, ModelManifest)
    assert manifest.source == "quantized://m:Q5_K_M"


async def test_a_registered_model_may_be_named_by_its_file(
    quantization: Quantization, tmp_path: Path
) -> None:
    *_, manifest = await made(quantization, str(tmp_path / "f16.gguf"), "Q4_0")
    assert manifest.name == "m:Q4_0"
    write(tmp_path / "other.gguf")
    with pytest.raises(ModelNotFound, match="not registered") as caught:
        await made(quantization, str(tmp_path / "other.gguf"), "Q4_0")
    assert "llmd import" in caught.value.hint


async def test_nothing_starts_while_the_daemon_drains(
    quantization: Quantization, gate: Gate
) -> None:
    gate.close()
    with pytest.raises(Draining):
        await made(quantization, "m:F16", "Q4_0")
    with pytest.raises(Draining):
        await quantization.types("m:F16")


async def test_work_under_way_holds_no_shutdown_up_and_is_ended_by_it(
    quantization: Quantization, gate: Gate, program: FakeQuantizer, store: ModelStore
) -> None:
    program.hold = asyncio.Event()
    task = asyncio.ensure_future(made(quantization, "m:F16", "Q4_0"))
    while not left_behind(store):
        await asyncio.sleep(0.01)
    assert gate.inside == 0
    await quantization.close()
    with pytest.raises(LlmdError, match="was stopped"):
        await task
    assert left_behind(store) == []


async def test_types_are_listed_with_sizes_of_a_model(quantization: Quantization) -> None:
    plain = await quantization.types()
    assert [card.name for card in plain] == [kind.name for kind in TYPES]
    assert all(card.size is None and not card.refusal for card in plain)
    cards = {card.name: card for card in await quantization.types("m:Q5_K_M")}
    assert cards["Q4_0"].size
    assert "loses much more" in cards["Q4_0"].refusal
    assert "larger" in cards["Q8_0"].refusal


async def test_an_earlier_daemons_remains_are_removed(
    quantization: Quantization, store: ModelStore
) -> None:
    place = store.directory / "quantized" / ".quantizing-abc"
    place.mkdir(parents=True)
    (place / "half.gguf").write_bytes(b"GGUF")
    await quantization.clean()
    assert left_behind(store) == []
