from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import DownloadFailed, ModelNotFound, NoRoom
from llmd.models.catalog import Catalogue
from llmd.models.variants import Derive, Present, Pull
from llmd.protocol.deployments import Deployment, DeploymentOrder
from llmd.protocol.models import ModelManifest
from llmd.services.deploying import Carrier, Course, Terms, agreed
from llmd.services.deploying.course import begun
from tests.fakes.gguf import write
from tests.fakes.planner import FakePlanner
from tests.fakes.sites import Site
from tests.unit.services.conftest import Bench


class Place:
    """A bench with a site to pull from."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.site = Site(bench.store, folder)
        services = bench.services
        services.variants._pulls = self.site  # type: ignore[assignment]
        self.carrier = Carrier(
            services.variants,
            services.planning,
            services.residents,
            services.generation,
            bench.catalogue,
            bench.store.directory,
        )
        self.kept: list[Deployment] = []
        self.folder = folder

    def add(self, name: str, file_type: int) -> ModelManifest:
        path = write(
            self.folder / f"{name.replace(':', '-')}.gguf", {"general.file_type": file_type}
        )
        return self.bench.store.register(path, name)

    def terms(self, kind: str, quantization: str = "") -> Terms:
        order = DeploymentOrder(model_type=kind, quantization=quantization)
        names = [model.name for model in self.bench.store.list()]
        return agreed(order, Catalogue(), names, 0, ["here"])

    async def carry(self, kind: str, quantization: str = "") -> Deployment:
        order = DeploymentOrder(model_type=kind, quantization=quantization)
        course = Course(begun(kind, order, "", ["here"], 0.0), lambda: 0.0)

        async def note() -> None:
            self.kept.append(course.deployment)

        await self.carrier.carry(course, self.terms(kind, quantization), note)
        course.complete()
        return course.deployment


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Place:
    return Place(bench, tmp_path)


def told(deployment: Deployment) -> str:
    return "\n".join(line.message for line in deployment.logs)


async def test_a_model_is_fetched_and_loaded_and_asked(place: Place) -> None:
    place.site.offers = {"qwen3-8b:Q8_0": 7}
    made = await place.carry("qwen3-8b", "int8")
    assert made.model_id == "qwen3-8b:Q8_0"
    assert [str(stage.status) for stage in made.stages] == ["completed"] * 5
    assert [model.name for model in place.bench.pool.loaded()] == ["qwen3-8b:Q8_0"]
    stages = list(dict.fromkeys(str(kept.current_stage) for kept in place.kept))
    assert stages == [str(stage.name) for stage in made.stages]
    half = next(kept for kept in place.kept if kept.stages[1].progress == 50)
    # five seconds of download, and then the load
    assert half.estimated_completion is not None
    assert half.estimated_completion >= 5.0
    assert "downloading" in told(made)
    assert "answers" in told(made)


async def test_a_model_that_is_here_is_not_fetched(place: Place) -> None:
    place.add("m:Q8_0", 7)
    made = await place.carry("m", "int8")
    assert made.model_id == "m:Q8_0"
    assert place.site.asked == []
    assert "Nothing had to be downloaded" in told(made)


async def test_a_model_is_quantised_from_one_that_is_here(place: Place) -> None:
    place.add("m:F16", 1)
    made = await place.carry("m", "int8")
    assert made.model_id == "m:Q8_0"
    assert [str(stage.status) for stage in made.stages] == ["completed"] * 5
    assert "m:Q8_0: measuring" in told(made)


async def test_what_cannot_be_had_ends_it(place: Place) -> None:
    place.site.error = DownloadFailed("The hub is not there.")
    with pytest.raises(DownloadFailed):
        await place.carry("qwen3-8b")


async def test_a_model_that_nothing_has_room_for_is_not_even_fetched(place: Place) -> None:
    place.add("m:Q8_0", 7)
    planner = place.bench.services.planning._planner
    assert isinstance(planner, FakePlanner)
    planner.memory = 1
    with pytest.raises(NoRoom, match="needs") as caught:
        await place.carry("m")
    assert "Take a smaller one" in caught.value.hint
    assert place.bench.pool.loaded() == []


async def test_a_disk_without_room_is_seen_before_the_download(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.services.deploying.carrying._free", lambda folder: 10)
    monkeypatch.setattr("llmd.services.deploying.carrying.waiting", lambda folders: [])
    place.site.offers = {"qwen3-8b": 15}
    with pytest.raises(NoRoom, match="on the disk") as caught:
        await place.carry("qwen3-8b")
    assert caught.value.details["available"] == 10
    assert place.site.asked == []


async def test_what_is_expected_depends_on_the_way(place: Place) -> None:
    place.add("here:Q8_0", 7)
    place.add("full:F16", 1)
    here = await place.carrier.outlook(place.terms("here"))
    made = await place.carrier.outlook(place.terms("full", "int8"))
    usual = await place.carrier.outlook(place.terms("qwen3-8b"))
    other = await place.carrier.outlook(place.terms("qwen3-8b", "q3_k_s"))
    unknown = await place.carrier.outlook(place.terms("acme/tiny-GGUF"))
    assert isinstance(here.way, Present)
    assert (here.model, here.fetched) == ("here:Q8_0", 0)
    assert isinstance(made.way, Derive)
    assert made.model == "full:Q8_0"
    assert isinstance(usual.way, Pull)
    assert usual.model == "qwen3-8b"
    assert usual.fetched == Catalogue().entries()["qwen3-8b"].size
    assert usual.seconds is not None
    assert usual.seconds > 60
    assert other.model == "qwen3-8b:Q3_K_S"
    assert (unknown.model, unknown.fetched, unknown.seconds) == ("acme/tiny-GGUF", None, None)


async def test_the_rate_of_the_last_download_is_what_the_next_is_reckoned_by(place: Place) -> None:
    terms = place.terms("qwen3-14b")
    before = await place.carrier.outlook(terms)
    place.site.offers = {"qwen3-8b": 15}
    await place.carry("qwen3-8b")
    after = await place.carrier.outlook(terms)
    assert before.seconds is not None
    assert after.seconds is not None
    assert after.seconds > 1000 * before.seconds


async def test_there_must_be_a_way_to_the_model(place: Place) -> None:
    place.add("m:Q4_0", 2)
    with pytest.raises(ModelNotFound):
        await place.carrier.outlook(place.terms("m", "int8"))
