from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from llmd.config.settings import ModelSettings
from llmd.errors import DownloadFailed, InvalidRequest, LlmdError, ModelNotFound, NoRoom
from llmd.models.catalog import Catalogue
from llmd.models.store import ModelStore
from llmd.protocol.models import LoadProgress, ModelManifest, PullProgress
from llmd.protocol.placement import LoadOptions
from llmd.services.defaults import Defaults
from llmd.services.gate import Gate
from llmd.services.quantization import Quantization
from llmd.services.variants import VariantEvent, Variants
from llmd.telemetry.metrics import Metrics
from tests.fakes.gguf import write
from tests.fakes.quantizer import FakeQuantizer


class Site:
    """Pulls: what is there to be fetched."""

    def __init__(self, store: ModelStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self.offers: dict[str, int] = {}
        """File types by name."""
        self.asked: list[str] = []
        self.error: LlmdError = ModelNotFound("The hub has no such file.", hint="It has others.")

    async def pull(self, name: str) -> AsyncGenerator[PullProgress | ModelManifest]:
        self.asked.append(name)
        yield PullProgress(status="resolving", name=name)
        if name not in self.offers:
            raise self.error
        path = write(
            self._folder / f"{len(self.asked)}.gguf", {"general.file_type": self.offers[name]}
        )
        yield self._store.register(path, name)


class Memory:
    """Residents: what was loaded, and how."""

    def __init__(self) -> None:
        self.loads: list[tuple[str | None, LoadOptions]] = []

    async def load(self, name: str | None, options: LoadOptions) -> AsyncGenerator[LoadProgress]:
        self.loads.append((name, options))
        yield LoadProgress(status="ready", fraction=1.0)


class Place:
    """The service and what is around it."""

    def __init__(self, folder: Path, builtin: Path, *, may_quantize: bool = True) -> None:
        self.store = ModelStore(folder / "models", builtin)
        self.program = FakeQuantizer()
        self.site = Site(self.store, folder)
        self.memory = Memory()
        quantization = Quantization(self.store, Gate(Metrics()), self.program)
        self.variants = Variants(
            self.store,
            Catalogue(),
            Defaults(self.store, ModelSettings(), folder / "config.toml"),
            self.site,  # type: ignore[arg-type]
            quantization,
            self.memory,  # type: ignore[arg-type]
            may_quantize=may_quantize,
        )
        self.folder = folder

    def add(self, name: str, file_type: int, **given: Any) -> ModelManifest:
        path = write(
            self.folder / f"{name.replace('/', '-')}.gguf", {"general.file_type": file_type}
        )
        return self.store.register(path, name, **given)

    async def load(self, name: str | None, quantization: str | None) -> list[VariantEvent]:
        events = self.variants.load(name, quantization, LoadOptions(prefer_gpu=False))
        return [event async for event in events]

    @property
    def loaded(self) -> str | None:
        [(name, options)] = self.memory.loads
        assert options == LoadOptions(prefer_gpu=False)
        return name


@pytest.fixture
def place(tmp_path: Path, tiny_model: Path) -> Place:
    return Place(tmp_path, tiny_model)


async def test_what_is_here_is_loaded(place: Place) -> None:
    place.add("m:Q4_0", 2)
    place.add("m", 7)
    events = await place.load("m", "q4_0")
    assert place.loaded == "m:Q4_0"
    assert [type(event) for event in events] == [LoadProgress]
    assert place.site.asked == place.program.orders == []


async def test_without_a_name_the_default_model_is_meant(place: Place) -> None:
    place.add("m", 7)
    await place.load(None, None)
    assert place.loaded == "m"


async def test_what_is_elsewhere_is_fetched(place: Place) -> None:
    place.site.offers = {"org/Repo-GGUF:Q4_0": 2}
    events = await place.load("org/Repo-GGUF", "Q4_0")
    assert place.loaded == "org/Repo-GGUF:Q4_0"
    assert [type(event) for event in events] == [PullProgress, LoadProgress]


async def test_what_cannot_be_fetched_is_made(place: Place) -> None:
    place.add("org/Repo-GGUF:F16", 1)
    await place.load("org/Repo-GGUF", "q4_0")
    assert place.site.asked == ["org/Repo-GGUF:Q4_0"]
    assert place.loaded == "org/Repo-GGUF:Q4_0"
    assert len(place.program.orders) == 1
    again = Place(place.folder, place.store._builtin_file)
    await again.load("org/Repo-GGUF", "q4_0")
    assert again.site.asked == again.program.orders == []


async def test_a_source_that_cannot_be_reached_is_no_end_either(place: Place) -> None:
    place.add("org/Repo-GGUF:F16", 1)
    place.site.error = DownloadFailed("The hub cannot be reached.")
    await place.load("org/Repo-GGUF", "q4_0")
    assert place.loaded == "org/Repo-GGUF:Q4_0"


async def test_what_nobody_has_is_told_with_what_exists(place: Place) -> None:
    place.add("org/Repo-GGUF:Q5_K_M", 17)
    with pytest.raises(ModelNotFound, match="no org/Repo-GGUF as Q4_0") as caught:
        await place.load("org/Repo-GGUF", "q4_0")
    assert "The hub has no such file." in caught.value.hint
    assert "Here are: org/Repo-GGUF:Q5_K_M (Q5_K_M)." in caught.value.hint
    assert place.memory.loads == []


async def test_a_fault_of_the_only_way_is_passed_on(place: Place) -> None:
    place.site.error = DownloadFailed("The hub cannot be reached.")
    with pytest.raises(DownloadFailed):
        await place.load("org/Repo-GGUF", "q4_0")


async def test_a_full_disk_ends_it(place: Place) -> None:
    place.add("org/Repo-GGUF:F16", 1)
    place.site.error = NoRoom("The disk is full.")
    with pytest.raises(NoRoom):
        await place.load("org/Repo-GGUF", "q4_0")
    assert place.program.orders == []


async def test_nothing_is_made_where_that_is_not_allowed(tmp_path: Path, tiny_model: Path) -> None:
    place = Place(tmp_path, tiny_model, may_quantize=False)
    place.add("m:F16", 1)
    with pytest.raises(ModelNotFound) as caught:
        await place.load("m", "q4_0")
    assert "models.quantize" in caught.value.hint


async def test_a_model_whose_file_has_gone_is_not_here(place: Place) -> None:
    gone = place.add("m:Q4_0", 2)
    place.add("m:F16", 1)
    Path(gone.path).unlink()
    with pytest.raises(LlmdError, match="m:Q4_0"):
        await place.load("m", "q4_0")


async def test_nonsense_is_refused(place: Place) -> None:
    with pytest.raises(InvalidRequest, match="no quantisation type"):
        await place.load("m", "enormous")
