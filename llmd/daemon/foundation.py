"""What lies under the services: model files, workers and the memory they share."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path

from llmd.config.paths import Paths
from llmd.config.settings import CacheSettings, Settings
from llmd.models.catalog import Catalogue
from llmd.models.download import Downloads
from llmd.models.drafts import Drafts
from llmd.models.placement import Experience
from llmd.models.store import ModelStore
from llmd.protocol.frames import Shelf
from llmd.runtime.devices import Devices
from llmd.runtime.orders import Orders
from llmd.runtime.planner import MemoryPlanner
from llmd.runtime.pool import Pool, reserve
from llmd.runtime.rehearsal import Rehearsal
from llmd.runtime.vigil import Vigil, look
from llmd.services.connections import Connections
from llmd.services.gate import Gate
from llmd.services.metering import engines
from llmd.telemetry.metrics import Metrics
from llmd.telemetry.tracing import Tracing


class Foundation:
    """Each object once, in order."""

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self.paths = paths
        self.settings = settings
        self.metrics = Metrics()
        self.tracing = Tracing(settings.telemetry)
        self.connections = Connections(self.metrics, settings.server.max_connections)
        self.gate = Gate(self.metrics)
        self.catalogue = Catalogue(paths.catalog_file)
        self.store = ModelStore(
            paths.models_dir,
            Path(str(files("llmd") / "assets" / "llmd-tiny-q8_0.gguf")),
            self.catalogue,
        )
        self.downloads = Downloads(self.store, self.catalogue, settings.downloads)
        self.rehearsal = Rehearsal()
        drafts = Drafts(self.store, settings.speculation).order
        self.planner = MemoryPlanner(settings, Devices(), Experience(paths.experience_file), drafts)
        orders = Orders(settings.engine, settings.media, drafts, _shelf(paths, settings.cache))
        self.pool = Pool(settings.pool, orders.load, self.planner, self.metrics)
        self.vigil = Vigil(self.pool, partial(look, reserve(settings.pool)))
        self.metrics.watch(lambda: engines(self.pool.loaded()))


def _shelf(paths: Paths, settings: CacheSettings) -> Shelf | None:
    if not settings.disk:
        return None
    return Shelf(str(paths.prefixes_dir), int(settings.disk), int(settings.spare))
