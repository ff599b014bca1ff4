from __future__ import annotations

import asyncio
from typing import get_args

import msgspec
import pytest
from msgspec import Meta

from llmd.errors import ModelNotFound
from llmd.protocol.directory import DirectoryModel
from llmd.protocol.placement import DeviceUse, LoadOptions, Parts
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.runtime.processor import processor
from llmd.server.completions.schema import Temperature
from llmd.services.directory import HOTTEST, short_label
from tests.fakes.gguf import write
from tests.unit.services.conftest import Bench


async def load(bench: Bench, name: str = "llmd-tiny") -> None:
    async for _ in bench.services.residents.load(name, LoadOptions(parallel=2)):
        pass


async def local(bench: Bench) -> list[DirectoryModel]:
    return await bench.services.directory.local()


async def test_a_model_that_is_not_loaded_answers_all_the_same(bench: Bench) -> None:
    [tiny] = await bench.services.directory.list()
    assert tiny.id == "llmd-tiny"
    assert (tiny.status, tiny.loaded, tiny.provider) == ("active", False, "local")
    assert {"chat", "completion"} <= set(tiny.capabilities)
    assert (tiny.place.node, tiny.place.hardware) == ("here", None)
    assert (tiny.place.quantization, tiny.place.quantization_type) == ("int8", "Q8_0")
    assert tiny.stats.average_latency_ms is None
    assert await local(bench) == []


async def test_a_loaded_model_tells_where_it_is(bench: Bench) -> None:
    await load(bench)
    [tiny] = await local(bench)
    assert (tiny.status, tiny.loaded) == ("active", True)
    assert tiny.place.hardware == processor()
    assert tiny.place.health == "healthy"
    assert tiny.place.memory > 0
    assert tiny.place.loaded_at is not None
    assert tiny.place.max_batch_size == 2
    # what it was loaded with counts, not what it could have
    assert tiny.parameters.max_tokens == 64
    assert await bench.services.directory.get("llmd-tiny") == tiny


async def test_a_model_that_comes_is_not_healthy_yet(bench: Bench) -> None:
    bench.starts.gate.clear()
    loading = asyncio.ensure_future(load(bench))
    async with asyncio.timeout(20):
        while not bench.starts.orders:
            await asyncio.sleep(0.01)
    [tiny] = await local(bench)
    assert (tiny.status, tiny.place.health) == ("loading", "starting")
    assert tiny.place.loaded_at is None
    bench.starts.gate.set()
    await loading


async def test_figures_are_measured(bench: Bench) -> None:
    services = bench.services
    model = services.generation.resolve("llmd-tiny")
    request = GenerateRequest(prompt=TextPrompt("a b c"))
    async for _ in services.generation.stream(model, [request]):
        pass
    stats = (await services.directory.get("llmd-tiny")).stats
    assert stats.requests == 1
    assert stats.average_latency_ms is not None
    assert stats.average_latency_ms > 0
    assert stats.availability == 1.0


async def test_a_model_whose_file_is_gone_is_inactive(bench: Bench) -> None:
    path = write(bench.store.directory.parent / "m.gguf", {})
    bench.store.register(path, "m")
    path.unlink()
    assert (await bench.services.directory.get("m")).status == "inactive"


async def test_what_the_catalogue_has_is_listed_for_those_who_ask(bench: Bench) -> None:
    usual = await bench.services.directory.list()
    wide = await bench.services.directory.list(available=True)
    assert len(wide) > len(usual) + 50
    offered = next(model for model in wide if model.id == "qwen3-8b")
    assert (offered.status, offered.loaded) == ("available", False)
    assert await bench.services.directory.get("qwen3-8b") == offered
    path = write(bench.store.directory.parent / "q.gguf", {})
    bench.store.register(path, "qwen3-8b")
    again = await bench.services.directory.list(available=True)
    assert [model.status for model in again if model.id == "qwen3-8b"] == ["active"]


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", "/etc/passwd", "a\0b", "\ud800"])
async def test_an_unknown_model_is_not_found(bench: Bench, name: str) -> None:
    with pytest.raises(ModelNotFound):
        await bench.services.directory.get(name)


async def test_knobs_are_those_that_requests_have(bench: Bench) -> None:
    knobs = (await bench.services.directory.get("llmd-tiny")).parameters
    [meta] = [one for one in get_args(Temperature) if isinstance(one, Meta)]
    assert (meta.ge, meta.le) == (knobs.temperature.min, knobs.temperature.max) == (0, HOTTEST)
    assert knobs.temperature.default == bench.services.sampling.temperature
    assert (knobs.top_p.min, knobs.top_p.max) == (0, 1)


async def test_memory_is_what_was_measured(bench: Bench) -> None:
    await load(bench)
    worker = bench.starts.workers[0]
    uses = [DeviceUse(device="CPU", parts=Parts(weights=28, kv_cache=2))]
    worker.ready = msgspec.structs.replace(worker.ready, measured=uses)
    [tiny] = await local(bench)
    assert tiny.place.memory == 30


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Q8_0", "int8"),
        ("Q4_K_M", "int4"),
        ("IQ4_XS", "int4"),
        ("UD-Q2_K_XL", "int2"),
        ("F16", "fp16"),
        ("BF16", "bf16"),
        ("MXFP4_MOE", "mxfp4_moe"),
        ("", ""),
    ],
)
def test_quantisations_have_the_documents_words(ours: str, theirs: str) -> None:
    assert short_label(ours) == theirs
