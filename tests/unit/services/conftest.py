"""All services over a real store, fake workers and no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.config.settings import EngineSettings, PoolSettings, SamplingSettings
from llmd.models.download import Downloads
from llmd.models.store import ModelStore
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.rehearsal import Rehearsal
from llmd.runtime.replay import Replay
from llmd.services.accounts import engines
from llmd.services.adapters import Adapters
from llmd.services.bundle import Services
from llmd.services.constraints import Constraints
from llmd.services.gate import Gate
from llmd.services.generation import Defaults, Generation
from llmd.services.library import Library
from llmd.services.pulls import Pulls
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.status import Status
from llmd.telemetry.metrics import Metrics
from tests.fakes.worker import FakeStarts


class Bench:
    """The services and what is under them."""

    def __init__(self, models: Path, builtin: Path, default: str = "") -> None:
        self.starts = FakeStarts()
        self.stopped: list[bool] = []
        metrics = Metrics()
        self.gate = Gate(metrics)
        self.store = ModelStore(models, builtin)
        self.pool = Pool(
            PoolSettings(), Orders(EngineSettings()).load, metrics.observe_cancel, self.starts
        )
        defaults = Defaults(self.store, default, "")
        constraints = Constraints(Rehearsal())
        requests = Requests(metrics)
        metrics.watch(lambda: engines(self.pool.loaded()))
        self.services = Services(
            adapters=Adapters(self.store, self.pool),
            constraints=constraints,
            generation=Generation(defaults, Replay(self.pool), constraints, self.gate, requests),
            library=Library(self.store, defaults, self.pool),
            requests=requests,
            residents=Residents(self.pool, defaults, self.gate),
            pulls=Pulls(Downloads(self.store), self.gate),
            status=Status(self.pool, self.gate),
            metrics=metrics,
            sampling=SamplingSettings(),
            shutdown=self.stopped.append,
        )


@pytest.fixture
def bench(tmp_path: Path, tiny_model: Path) -> Bench:
    return Bench(tmp_path / "models", tiny_model)
