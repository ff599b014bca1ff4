"""All services over a real store, fake workers and no network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from llmd.config.paths import Paths
from llmd.config.settings import (
    EngineSettings,
    ModelSettings,
    PoolSettings,
    SamplingSettings,
    SecuritySettings,
    Settings,
)
from llmd.config.sharing import LimitSettings, TelemetrySettings
from llmd.daemon.accounts import Accounts
from llmd.models.catalog import Catalogue, canonical
from llmd.models.download import Downloads
from llmd.models.mending import Mending
from llmd.models.presets import effect
from llmd.models.store import ModelStore
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.rehearsal import Rehearsal
from llmd.runtime.replay import Replay
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.bundle import Services
from llmd.services.catalog import CatalogSearch
from llmd.services.connections import Connections
from llmd.services.constraints import Constraints
from llmd.services.conversations import Conversations
from llmd.services.defaults import Defaults
from llmd.services.deploying import Carrier
from llmd.services.deployments import Deployments
from llmd.services.descriptions import Descriptions
from llmd.services.directory import Directory
from llmd.services.feed import Feed, Sources
from llmd.services.gate import Gate
from llmd.services.generation import Generation
from llmd.services.jobs import Hands, Jobs, Unfinished
from llmd.services.lengths import Lengths
from llmd.services.library import Library
from llmd.services.limits import Limits
from llmd.services.logbook import Logbook
from llmd.services.machine import Machine
from llmd.services.metering import engines
from llmd.services.planning import Planning
from llmd.services.portraits import Portraits
from llmd.services.presets import Presets
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.sessions import Sessions
from llmd.services.settings import Configuration
from llmd.services.status import Status
from llmd.services.stock import Stock
from llmd.services.turns import Turns
from llmd.services.upkeep import Upkeep
from llmd.services.usage import Usage
from llmd.services.variants import Variants
from llmd.services.verification import Verification
from llmd.storage.conversations import ConversationRepository
from llmd.storage.deployments import DeploymentRepository
from llmd.storage.sessions import SessionRepository
from llmd.storage.usage import UsageRepository
from llmd.telemetry.metrics import Metrics
from llmd.telemetry.tracing import Tracing
from tests.fakes.databases import database
from tests.fakes.hashing import quick_hashing
from tests.fakes.planner import FakePlanner
from tests.fakes.quantizer import FakeQuantizer
from tests.fakes.worker import FakeStarts


class Bench:
    """The services and what is under them."""

    def __init__(
        self,
        models: Path,
        builtin: Path,
        default: str = "",
        security: SecuritySettings = SecuritySettings(),  # noqa: B008  frozen
        limits: LimitSettings = LimitSettings(),  # noqa: B008  frozen
    ) -> None:
        self.starts = FakeStarts()
        self.stopped: list[bool] = []
        metrics = Metrics()
        self.gate = Gate(metrics)
        self.store = ModelStore(models, builtin)
        home = models.parent
        self.paths = Paths(home, home, home / "state", home / "cache", home / "socket")
        self.catalogue = Catalogue(self.paths.catalog_file)
        self.database = database(home)
        self.accounts = Accounts(self.database, security, self.paths.secret_file, quick_hashing())
        planner = FakePlanner(memory=2**40)
        self.pool = Pool(
            PoolSettings(),
            Orders(EngineSettings()).load,
            planner,
            metrics,
            self.starts,
        )
        defaults = Defaults(self.store, ModelSettings(default=default), self.paths.config_file)
        constraints = Constraints(Rehearsal())
        usage = Usage(UsageRepository(self.database))
        counted = Limits(limits, metrics, usage)
        requests = Requests(metrics, spend=counted.spend)
        metrics.watch(lambda: engines(self.pool.loaded()))
        downloads = Downloads(self.store)
        pulls = Pulls(downloads, self.gate)
        residents = Residents(self.pool, defaults, self.gate)
        self.quantization = Quantization(self.store, self.gate, FakeQuantizer())
        connections = Connections(metrics)
        generation = Generation(
            defaults,
            Replay(self.pool),
            constraints,
            self.gate,
            requests,
            Lengths(limits),
            revocations=self.accounts.revocations,
        )
        planning = Planning(planner, self.pool, defaults, self.catalogue, 0)
        library = Library(self.store, defaults, self.pool)
        variants = Variants(
            self.store,
            self.catalogue,
            defaults,
            pulls,
            self.quantization,
            residents,
            may_quantize=True,
        )
        machine = Machine(planner, self.pool, "here")
        self.deployments = Deployments(
            DeploymentRepository(self.database, "here"),
            Carrier(
                variants, planning, residents, generation, self.catalogue, self.store.directory
            ),
            machine,
            library,
            residents,
            self.catalogue,
        )
        portraits = Portraits(self.catalogue)
        verification = Verification(self.store, Mending(self.store, downloads.conditions))
        self.jobs = Jobs(
            Hands(pulls, self.quantization, residents, verification),
            Unfinished(self.paths.downloads_file),
            partial(canonical, catalogue=self.catalogue),
        )
        status = Status(self.pool, self.gate, connections)
        upkeep = Upkeep(self.store, self.paths, [models.parent / "hub"])
        feed = Feed(
            Sources(
                status=status,
                requests=requests,
                pulls=pulls,
                quantization=self.quantization,
                deployments=self.deployments,
                rooms=machine.rooms,
                disk=upkeep.room,
            )
        )
        sessions = Sessions(SessionRepository(self.database))
        self.services = Services(
            feed=feed,
            access=self.accounts.access,
            adapters=Adapters(self.store, self.pool),
            adoption=Adoption(self.store),
            audit=self.accounts.audit,
            catalog=CatalogSearch(self.catalogue, self.store, self.paths.catalog_file),
            connections=connections,
            constraints=constraints,
            deployments=self.deployments,
            descriptions=Descriptions(self.store, self.pool, self.catalogue),
            directory=Directory(
                library,
                residents,
                portraits,
                requests.performance,
                machine,
                self.catalogue,
                partial(effect.sampling, SamplingSettings()),
            ),
            defaults=defaults,
            generation=generation,
            jobs=self.jobs,
            limits=counted,
            keys=self.accounts.keys,
            login=self.accounts.login,
            logbook=Logbook(self.paths.log_file, pause=0.01),
            settings=Configuration(
                self.paths.config_file, Settings(), {}, defaults, self.accounts.audit
            ),
            signing=self.accounts.signing,
            users=self.accounts.users,
            library=library,
            requests=requests,
            planning=planning,
            quantization=self.quantization,
            residents=residents,
            sessions=sessions,
            conversations=Conversations(sessions, ConversationRepository(self.database)),
            turns=Turns(self.gate),
            presets=Presets(self.store, self.pool),
            pulls=pulls,
            status=status,
            stock=Stock(self.store, defaults, portraits),
            upkeep=upkeep,
            verification=verification,
            variants=variants,
            usage=usage,
            metrics=metrics,
            tracing=Tracing(TelemetrySettings()),
            sampling=SamplingSettings(),
            security=security,
            shutdown=self.stopped.append,
        )

    async def close(self) -> None:
        """Close what tests may have opened."""
        await self.services.turns.close()
        await self.services.feed.close()
        await self.jobs.close()
        await self.services.stock.close()
        await self.deployments.close()
        await self.services.sessions.close()
        await self.accounts.close()
        await self.database.close()


@pytest.fixture
async def bench(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "models", tiny_model)
    yield made
    await made.close()
