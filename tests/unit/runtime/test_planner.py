from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psutil
import pytest

from llmd.config.settings import EngineSettings, Settings
from llmd.errors import ConfigInvalid, CorruptFile, InvalidRequest, NotFound
from llmd.models.placement import Experience
from llmd.protocol.devices import Gpu, Sighting
from llmd.protocol.models import Drafting, Kind, LoadedModel, ModelManifest, ModelState
from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Parts
from llmd.runtime.devices import Devices
from llmd.runtime.main_memory import MainMemory
from llmd.runtime.planner import MemoryPlanner
from tests.fakes.worker import manifest

GIB = 2**30
SETTINGS = Settings(engine=EngineSettings(parallel=2))
ROOMS = [DeviceRoom(device="CPU", total=64 * GIB, free=32 * GIB)]


class Known(Devices):
    """A machine with 8 GiB free and an AVX2 CPU."""

    def __init__(self, *gpus: Gpu) -> None:
        super().__init__(lambda: MainMemory(64 * GIB, 8 * GIB), lambda _bus, _ours: None)
        self.gpus = list(gpus)

    async def _look(self) -> Sighting:
        return Sighting(self.gpus, "AVX2 = 1 | REPACK = 1")


def planner(tmp_path: Path, settings: Settings = SETTINGS, **options: object) -> MemoryPlanner:
    return MemoryPlanner(settings, Known(), Experience(tmp_path / "e.json"), **options)


@pytest.fixture
def tiny(tiny_model: Path) -> ModelManifest:
    return msgspec.structs.replace(manifest("tiny"), path=str(tiny_model))


async def test_a_model_is_planned_from_its_file(tmp_path: Path, tiny: ModelManifest) -> None:
    plan = await planner(tmp_path).plan(tiny, LoadOptions(), ROOMS)
    assert plan.fits
    assert (plan.context_length, plan.parallel) == (2048, 2)
    size = Path(tiny.path).stat().st_size
    assert 0.8 * size < plan.uses[0].parts.weights < size
    assert not plan.corrected
    assert plan.load_seconds is None


async def test_files_and_options_that_are_wrong_are_named(
    tmp_path: Path, tiny: ModelManifest
) -> None:
    with pytest.raises(NotFound):
        await planner(tmp_path).plan(
            msgspec.structs.replace(tiny, path="/gone.gguf"), LoadOptions(), ROOMS
        )
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    with pytest.raises(CorruptFile):
        await planner(tmp_path).plan(
            msgspec.structs.replace(tiny, path=str(broken)), LoadOptions(), ROOMS
        )
    with pytest.raises(InvalidRequest):
        await planner(tmp_path).plan(tiny, LoadOptions(require_gpu=True, prefer_gpu=False), ROOMS)


async def test_a_draft_model_is_part_of_the_plan(tmp_path: Path, tiny: ModelManifest) -> None:
    drafting = Drafting(model=tiny.path)
    plan = await planner(tmp_path, drafting=lambda _: drafting).plan(tiny, LoadOptions(), ROOMS)
    assert plan.uses[0].parts.draft > plan.uses[0].parts.weights

    def missing(_: ModelManifest) -> Drafting:
        raise ConfigInvalid("gone")

    with pytest.raises(ConfigInvalid):
        await planner(tmp_path, drafting=missing).plan(tiny, LoadOptions(), ROOMS)


async def test_a_projector_is_part_of_the_plan_of_a_chat_model(
    tmp_path: Path, tiny: ModelManifest, vision_files: object
) -> None:
    model, projector = vision_files("tiled")  # type: ignore[operator]  # a function
    sees = msgspec.structs.replace(tiny, path=str(model), projector=str(projector))
    plan = await planner(tmp_path).plan(sees, LoadOptions(), ROOMS)
    assert plan.uses[0].parts.projector > 0
    assert plan.uses[0].parts.caches >= SETTINGS.media.cache
    embeds = msgspec.structs.replace(sees, kind=Kind.EMBEDDING)
    assert (await planner(tmp_path).plan(embeds, LoadOptions(), ROOMS)).uses[0].parts.projector == 0


async def test_what_loaded_models_have_claimed_and_not_touched_is_not_free(tmp_path: Path) -> None:
    def loaded(claimed: int, *pids: int) -> LoadedModel:
        return LoadedModel(
            name="m",
            state=ModelState.READY,
            kind=Kind.CHAT,
            pid=0,
            pids=list(pids),
            predicted=[DeviceUse(device="CPU", parts=Parts(weights=claimed))],
        )

    async def free(*models: LoadedModel) -> int:
        return (await planner(tmp_path).rooms(models))[-1].free

    assert await free() == 8 * GIB
    assert await free(loaded(GIB)) == 7 * GIB
    own = psutil.Process().memory_info()
    held = own.rss - own.shared
    assert abs(await free(loaded(GIB, os.getpid())) - (7 * GIB + held)) < held / 2
    assert await free(loaded(0, os.getpid())) == 8 * GIB, "what it has is not counted twice"
    assert await free(loaded(99 * GIB)) == 0


async def test_gpus_are_as_free_as_they_say(tmp_path: Path) -> None:
    known = Known(Gpu("CUDA0", "A card", 100, 70))
    found = await MemoryPlanner(SETTINGS, known, Experience(tmp_path / "e.json")).rooms([])
    assert [(room.device, room.free) for room in found] == [("CUDA0", 70), ("CPU", 8 * GIB)]


async def test_what_was_learnt_corrects_the_same_and_other_shapes(
    tmp_path: Path, tiny: ModelManifest
) -> None:
    thinking = planner(tmp_path)
    options = LoadOptions(context_length=1024)
    plan = await thinking.plan(tiny, options, ROOMS)
    (use,) = plan.uses
    parts = msgspec.structs.replace(use.parts, compute=2 * use.parts.compute)
    measured = [DeviceUse(device="CPU", parts=parts, mapped=use.mapped)]
    await thinking.learn(tiny, options, plan, measured, 3.0)
    again = await planner(tmp_path).plan(tiny, options, ROOMS)
    assert again.uses == measured
    assert again.corrected
    assert again.load_seconds == 3.0
    other = await thinking.plan(tiny, LoadOptions(context_length=512), ROOMS)
    assert other.uses[0].parts.compute > 1.5 * use.parts.compute
    # learning once more from a corrected plan does not correct twice
    await thinking.learn(tiny, options, again, measured, 3.0)
    assert (await thinking.plan(tiny, options, ROOMS)).uses == measured


async def test_nothing_is_learnt_of_what_is_gone_or_was_not_measured(
    tmp_path: Path, tiny: ModelManifest
) -> None:
    thinking = planner(tmp_path)
    plan = await thinking.plan(tiny, LoadOptions(), ROOMS)
    await thinking.learn(tiny, LoadOptions(), plan, [], 1.0)
    gone = msgspec.structs.replace(tiny, path="/gone.gguf")
    await thinking.learn(gone, LoadOptions(), plan, plan.uses, 1.0)
    assert not (tmp_path / "e.json").exists()


async def test_other_models_say_how_quickly_this_one_loads(
    tmp_path: Path, tiny: ModelManifest, embedding_model: Path
) -> None:
    thinking = planner(tmp_path)
    plan = await thinking.plan(tiny, LoadOptions(), ROOMS)
    await thinking.learn(tiny, LoadOptions(), plan, plan.uses, 2.0)
    other = msgspec.structs.replace(
        manifest("other"), path=str(embedding_model), kind=Kind.EMBEDDING
    )
    found = await thinking.plan(other, LoadOptions(), ROOMS)
    assert not found.corrected
    rate = plan.uses[0].parts.weights / 2.0
    assert found.load_seconds == pytest.approx(found.uses[0].parts.weights / rate)
