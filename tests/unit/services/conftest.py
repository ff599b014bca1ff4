"""All services over a real store, fake workers and no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.config.paths import Paths
from llmd.config.settings import (
    EngineSettings,
    ModelSettings,
    PoolSettings,
    SamplingSettings,
)
from llmd.models.catalog import Catalogue
from llmd.models.download import Downloads
from llmd.models.mending import Mending
from llmd.models.store import ModelStore
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.rehearsal import Rehearsal
from llmd.runtime.replay import Replay
from llmd.services.access import Access
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.bundle import Services
from llmd.services.catalog import CatalogSearch
from llmd.services.constraints import Constraints
from llmd.services.defaults import Defaults
from llmd.services.descriptions import Descriptions
from llmd.services.gate import Gate
from llmd.services.generation import Generation
from llmd.services.library import Library
from llmd.services.metering import engines
from llmd.services.planning import Planning
from llmd.services.presets import Presets
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.status import Status
from llmd.services.upkeep import Upkeep
from llmd.services.variants import Variants
from llmd.services.verification import Verification
from llmd.telemetry.metrics import Metrics
from tests.fakes.planner import FakePlanner
from tests.fakes.quantizer import FakeQuantizer
from tests.fakes.worker import FakeStarts


class Bench:
    """The services and what is under them."""

    def __init__(self, models: Path, builtin: Path, default: str = "") -> None:
        self.starts = FakeStarts()
        self.stopped: list[bool] = []
        metrics = Metrics()
        self.gate = Gate(metrics)
        self.store = ModelStore(models, builtin)
        home = models.parent
        self.paths = Paths(home, home, home / "state", home / "cache", home / "socket")
        self.catalogue = Catalogue(self.paths.catalog_file)
        planner = FakePlanner(memory=2**40)
        self.pool = Pool(
            PoolSettings(),
            Orders(EngineSettings()).load,
            planner,
            metrics,
            self.starts,
        )
        defaults = Defaults(self.store, ModelSettings(default=default))
        constraints = Constraints(Rehearsal())
        requests = Requests(metrics)
        metrics.watch(lambda: engines(self.pool.loaded()))
        downloads = Downloads(self.store)
        pulls = Pulls(downloads, self.gate)
        residents = Residents(self.pool, defaults, self.gate)
        self.quantization = Quantization(self.store, self.gate, FakeQuantizer())
        self.services = Services(
            access=Access(),
            adapters=Adapters(self.store, self.pool),
            adoption=Adoption(self.store),
            catalog=CatalogSearch(self.catalogue, self.store, self.paths.catalog_file),
            constraints=constraints,
            descriptions=Descriptions(self.store, self.pool, self.catalogue),
            defaults=defaults,
            generation=Generation(defaults, Replay(self.pool), constraints, self.gate, requests),
            library=Library(self.store, defaults, self.pool),
            requests=requests,
            planning=Planning(planner, self.pool, defaults, self.catalogue, 0),
            quantization=self.quantization,
            residents=residents,
            presets=Presets(self.store, self.pool),
            pulls=pulls,
            status=Status(self.pool, self.gate),
            upkeep=Upkeep(self.store, self.paths, [models.parent / "hub"]),
            verification=Verification(self.store, Mending(self.store, downloads.conditions)),
            variants=Variants(
                self.store,
                self.catalogue,
                defaults,
                pulls,
                self.quantization,
                residents,
                may_quantize=True,
            ),
            metrics=metrics,
            sampling=SamplingSettings(),
            shutdown=self.stopped.append,
        )


@pytest.fixture
def bench(tmp_path: Path, tiny_model: Path) -> Bench:
    return Bench(tmp_path / "models", tiny_model)
