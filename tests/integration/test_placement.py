"""What is planned is what is taken: real workers load models of every family, and what llama.cpp
and the process then hold is compared with the plan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmd.config.settings import EngineSettings, PoolSettings, Settings, WindowCache
from llmd.models.gguf.inspection import inspect
from llmd.models.placement import Experience, error
from llmd.protocol.models import Kind, ModelManifest
from llmd.protocol.placement import DeviceUse, LoadOptions, Plan
from llmd.runtime.devices import Devices
from llmd.runtime.orders import Orders
from llmd.runtime.planner import MemoryPlanner
from llmd.runtime.process import Hooks, WorkerProcess
from tests.fakes.sparse_models import write_sparse_model
from tests.integration.conftest import MakeDaemon, wait_for

CLOSE = 0.10
BUFFERS = ("weights", "kv_cache", "compute")

Files = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return a function that gives a model of a family with weights of a type."""

    @cache
    def file(kind: str, quantization: str) -> Path:
        path = tmp_path_factory.mktemp("sparse") / f"{kind}-{quantization}.gguf"
        return write_sparse_model(path, kind, quantization=quantization)

    return file


def described(path: Path) -> ModelManifest:
    found = inspect(path)
    return ModelManifest(
        name=path.stem,
        path=str(path),
        source="",
        kind=found.kind,
        architecture=found.architecture,
        parameters=found.parameters,
        quantization=found.quantization,
        size=found.size,
        context_length=found.context_length,
        added=0.0,
        owned=False,
    )


async def loaded(
    planner: MemoryPlanner,
    manifest: ModelManifest,
    options: LoadOptions,
    settings: Settings = Settings(),  # noqa: B008  frozen
) -> tuple[Plan, list[DeviceUse]]:
    """Plan, load as planned, and return the plan and what was taken."""
    plan = await planner.plan(manifest, options, await planner.rooms([]))
    assert plan.fits, plan.problem
    load = Orders(settings.engine).load(manifest, options, plan)
    deaf = Hooks(
        progress=lambda _: None,
        cancelled=lambda _: None,
        died=lambda *_: None,
        shrunk=lambda _: None,
        stirred=lambda: None,
    )
    worker = await WorkerProcess.start(manifest.name, load, PoolSettings(), deaf)
    try:
        measured = worker.ready.measured
    finally:
        await worker.stop()
    await planner.learn(manifest, options, plan, measured, 1.0)
    return plan, measured


def buffers(uses: list[DeviceUse]) -> int:
    return sum(getattr(use.parts, part) for use in uses for part in BUFFERS)


@pytest.mark.parametrize(
    ("kind", "quantization", "options"),
    [
        ("dense", "Q8_0", {"context_length": 2048, "parallel": 2}),
        ("dense", "Q4_0", {"context_length": 16384, "parallel": 8}),
        ("dense", "Q8_0", {"context_length": 8192, "kv_type": "q8_0"}),
        ("dense", "Q8_0", {"context_length": 4096, "parallel": 1, "flash_attention": "off"}),
        ("dense", "Q4_0", {"context_length": 2048, "parallel": 2, "mmap": False}),
        ("moe", "Q8_0", {"context_length": 4096, "parallel": 4}),
        ("moe", "Q4_0", {"context_length": 32768, "parallel": 2, "kv_type": "q4_0"}),
        ("swa", "Q8_0", {"context_length": 8192, "parallel": 4}),
        ("mla", "Q8_0", {"context_length": 8192, "parallel": 4}),
        ("recurrent", "Q8_0", {"context_length": 4096, "parallel": 16}),
        ("hybrid", "Q8_0", {"context_length": 8192, "parallel": 8}),
    ],
)
def test_a_plan_is_within_a_tenth_of_what_is_taken(
    sparse: Files, tmp_path: Path, kind: str, quantization: str, options: dict[str, Any]
) -> None:
    planner = MemoryPlanner(Settings(), Devices(), Experience(tmp_path / "experience.json"))
    manifest = described(sparse(kind, quantization))
    plan, measured = asyncio.run(loaded(planner, manifest, LoadOptions(**options)))
    off = buffers(plan.uses) / buffers(measured) - 1
    assert abs(off) < CLOSE, (plan.uses, measured)
    assert abs(error(plan.uses, measured)) < CLOSE, (plan.uses, measured)


@pytest.mark.parametrize("windows", [WindowCache.FULL, WindowCache.WINDOW])
def test_windows_take_what_was_planned(sparse: Files, tmp_path: Path, windows: WindowCache) -> None:
    settings = Settings(engine=EngineSettings(swa_cache=windows))
    planner = MemoryPlanner(settings, Devices(), Experience(tmp_path / "experience.json"))
    options = LoadOptions(context_length=32768, kv_tokens=32768, parallel=4)
    manifest = described(sparse("swa", "Q8_0"))
    plan, measured = asyncio.run(loaded(planner, manifest, options, settings))
    assert plan.full_windows is (windows is WindowCache.FULL)
    assert abs(error(plan.uses, measured)) < CLOSE, (plan.uses, measured)
    planned, taken = (sum(use.parts.kv_cache for use in uses) for uses in (plan.uses, measured))
    assert planned == taken


def test_an_embedding_model_is_planned_with_what_its_first_batch_takes(
    embedding_model: Path, tmp_path: Path
) -> None:
    planner = MemoryPlanner(Settings(), Devices(), Experience(tmp_path / "experience.json"))
    plan, measured = asyncio.run(loaded(planner, described(embedding_model), LoadOptions()))
    assert abs(error(plan.uses, measured)) < CLOSE, (plan.uses, measured)


def test_an_embedding_model_that_could_generate_has_no_room_for_logits(
    sparse: Files, tmp_path: Path
) -> None:
    planner = MemoryPlanner(Settings(), Devices(), Experience(tmp_path / "experience.json"))
    manifest = msgspec.structs.replace(described(sparse("dense", "Q8_0")), kind=Kind.EMBEDDING)
    plan, measured = asyncio.run(loaded(planner, manifest, LoadOptions()))
    assert abs(error(plan.uses, measured)) < CLOSE, (plan.uses, measured)


def test_what_was_measured_corrects_the_next_plan(sparse: Files, tmp_path: Path) -> None:
    planner = MemoryPlanner(Settings(), Devices(), Experience(tmp_path / "experience.json"))
    manifest = described(sparse("dense", "Q8_0"))
    options = LoadOptions(context_length=2048, parallel=2)

    async def twice() -> tuple[list[DeviceUse], Plan]:
        _, measured = await loaded(planner, manifest, options)
        return measured, await planner.plan(manifest, options, await planner.rooms([]))

    measured, again = asyncio.run(twice())
    assert again.corrected
    assert abs(error(again.uses, measured)) < 0.001
    assert again.load_seconds == 1.0


def test_a_daemon_plans_refuses_and_shows_what_models_take(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    plan = daemon.call("POST", "/control/plan", {"model": "llmd-tiny"})
    assert plan["fits"]
    assert plan["uses"][-1]["device"] == "CPU"
    assert plan["uses"][-1]["parts"]["weights"] > 4_000_000
    daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    (model,) = daemon.call("GET", "/control/ps")["models"]
    planned, measured = model["predicted"][-1]["parts"], model["measured"][-1]["parts"]
    assert planned["kv_cache"] == measured["kv_cache"]
    assert planned.keys() - measured.keys() == {"caches"}, "nothing is set aside yet"
    experience = daemon.home / "state" / "experience.json"
    wait_for(experience.exists)
    assert b"llmd-tiny" in experience.read_bytes()
    huge = {"model": "llmd-tiny", "options": {"context_length": 2**31 - 1}}
    refused = daemon.call("POST", "/control/plan", huge)
    assert not refused["fits"]
    assert any("context of" in remedy["text"] for remedy in refused["remedies"])
    failed = daemon.call("POST", "/control/load", huge)
    assert (failed if isinstance(failed, dict) else failed[-1])["error"]["code"] == "no_room"


def test_a_gpu_that_is_required_and_not_there_fails_the_load(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_PLACEMENT_REQUIRE_GPU="true")
    last = daemon.call("POST", "/control/load", {"model": "llmd-tiny"})[-1]
    plan = daemon.call("POST", "/control/plan", {"model": "llmd-tiny"})
    if "error" not in last:
        pytest.skip("this machine has a GPU")
    assert last["error"]["code"] == "no_room"
    assert "GPU" in last["error"]["message"]
    assert [remedy["text"] for remedy in plan["remedies"]] == ["It fits on the CPU."]
