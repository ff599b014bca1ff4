"""The services over the foundation, as front ends get them."""

from __future__ import annotations

from collections.abc import Callable

from llmd.daemon.foundation import Foundation
from llmd.daemon.people import People
from llmd.models.mending import Mending
from llmd.runtime.pool import reserve
from llmd.runtime.replay import Replay
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.bundle import Services
from llmd.services.catalog import CatalogSearch
from llmd.services.constraints import Constraints
from llmd.services.defaults import Defaults
from llmd.services.descriptions import Descriptions
from llmd.services.generation import Generation
from llmd.services.library import Library
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


def bundle(base: Foundation, people: People, shutdown: Callable[[bool], None]) -> Services:
    """Return all services."""
    settings, store, pool = base.settings, base.store, base.pool
    defaults = Defaults(store, settings.models, base.paths.config_file)
    residents = Residents(pool, defaults, base.gate, settings.pool.mismatch)
    pulls = Pulls(base.downloads, base.gate)
    quantization = Quantization(store, base.gate)
    constraints = Constraints(base.rehearsal)
    requests = Requests(base.metrics)
    spare = reserve(settings.pool)
    return Services(
        access=people.access,
        adapters=Adapters(store, pool),
        adoption=Adoption(store),
        catalog=CatalogSearch(base.catalogue, store, base.paths.catalog_file),
        constraints=constraints,
        descriptions=Descriptions(store, pool, base.catalogue),
        defaults=defaults,
        generation=Generation(defaults, Replay(pool), constraints, base.gate, requests),
        planning=Planning(base.planner, pool, defaults, base.catalogue, spare),
        library=Library(store, defaults, pool),
        requests=requests,
        quantization=quantization,
        residents=residents,
        presets=Presets(store, pool),
        pulls=pulls,
        status=Status(pool, base.gate),
        upkeep=Upkeep(store, base.paths, keep_partials=float(settings.downloads.keep_partials)),
        verification=Verification(store, Mending(store, base.downloads.conditions)),
        variants=_variants(base, defaults, pulls, quantization, residents),
        metrics=base.metrics,
        sampling=settings.sampling,
        media=settings.media,
        shutdown=shutdown,
    )


def _variants(
    base: Foundation,
    defaults: Defaults,
    pulls: Pulls,
    quantization: Quantization,
    residents: Residents,
) -> Variants:
    return Variants(
        base.store,
        base.catalogue,
        defaults,
        pulls,
        quantization,
        residents,
        may_quantize=base.settings.models.quantize,
    )
