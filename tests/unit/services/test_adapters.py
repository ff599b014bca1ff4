from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, ModelBusy, ModelNotFound
from llmd.protocol.requests import GenerateRequest, TextPrompt
from tests.fakes.random_adapter import write_adapter
from tests.unit.services.conftest import Bench


@pytest.fixture
def adapter(tmp_path: Path, tiny_model: Path) -> Path:
    return write_adapter(tmp_path / "poet.gguf", tiny_model)


async def test_a_model_is_loaded_with_its_adapters_from_then_on(
    bench: Bench, adapter: Path
) -> None:
    adapters = bench.services.adapters
    model = bench.store.copy("llmd-tiny", "mine")
    async with bench.pool.lease(model):
        pass
    changed = await adapters.add("mine", str(adapter), None, 0.5, default=True)
    assert [item.name for item in changed.adapters] == ["poet"]
    assert not bench.starts.workers[0].alive
    async with bench.pool.lease(bench.store.get("mine")):
        assert bench.starts.orders[-1].adapters == changed.adapters
    gone = await adapters.remove("mine", "poet")
    assert gone.adapters == [] == bench.store.get("mine").adapters
    assert adapter.exists()
    await bench.pool.close()


async def test_a_model_that_answers_keeps_its_adapters(bench: Bench, adapter: Path) -> None:
    model = bench.store.copy("llmd-tiny", "mine")
    bench.starts.held = True
    events = bench.services.generation.stream(model, [GenerateRequest(prompt=TextPrompt("a b"))])
    await anext(events)
    with pytest.raises(ModelBusy):
        await bench.services.adapters.add("mine", str(adapter), None, 1.0, default=False)
    await events.aclose()
    await bench.pool.close()


async def test_the_builtin_model_is_not_changed(bench: Bench, adapter: Path) -> None:
    with pytest.raises(InvalidRequest, match="llmd cp"):
        await bench.services.adapters.add("llmd-tiny", str(adapter), None, 1.0, default=False)
    with pytest.raises(ModelNotFound):
        await bench.services.adapters.remove("other", "poet")
