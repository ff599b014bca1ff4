"""The services over the foundation, as front ends get them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from llmd.daemon.foundation import Foundation
from llmd.daemon.people import People
from llmd.models.catalog import canonical
from llmd.models.mending import Mending
from llmd.models.presets import effect
from llmd.runtime.pool import reserve
from llmd.runtime.replay import Replay
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.bundle import Services
from llmd.services.catalog import CatalogSearch
from llmd.services.constraints import Constraints
from llmd.services.defaults import Defaults
from llmd.services.deploying import Carrier
from llmd.services.deployments import Deployments
from llmd.services.descriptions import Descriptions
from llmd.services.directory import Directory
from llmd.services.feed import Feed, Sources
from llmd.services.generation import Generation
from llmd.services.jobs import Hands, Jobs, Unfinished
from llmd.services.lengths import Lengths
from llmd.services.library import Library
from llmd.services.logbook import Logbook
from llmd.services.machine import Machine
from llmd.services.planning import Planning
from llmd.services.portraits import Portraits
from llmd.services.presets import Presets
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.settings import Configuration
from llmd.services.status import Status
from llmd.services.stock import Stock
from llmd.services.turns import Turns
from llmd.services.upkeep import Upkeep
from llmd.services.variants import Variants
from llmd.services.verification import Verification


def bundle(
    base: Foundation,
    people: People,
    sources: Mapping[str, str],
    shutdown: Callable[[bool], None],
) -> Services:
    """Return all services; `sources` say where each setting comes from."""
    settings, store, pool = base.settings, base.store, base.pool
    made = _Joined(base, people)
    status = Status(pool, base.gate, base.connections)
    deployments = made.deployments(people)
    upkeep = Upkeep(store, base.paths, keep_partials=float(settings.downloads.keep_partials))
    return Services(
        **_of_people(people),
        adapters=Adapters(store, pool),
        adoption=Adoption(store),
        catalog=CatalogSearch(base.catalogue, store, base.paths.catalog_file),
        connections=base.connections,
        constraints=made.constraints,
        deployments=deployments,
        descriptions=Descriptions(store, pool, base.catalogue),
        directory=made.directory(),
        feed=made.feed(status, deployments, upkeep),
        defaults=made.defaults,
        generation=made.generation,
        jobs=made.jobs(),
        planning=made.planning,
        library=made.library,
        logbook=Logbook(base.paths.log_file),
        requests=made.requests,
        quantization=made.quantization,
        residents=made.residents,
        settings=Configuration(
            base.paths.config_file, settings, sources, made.defaults, people.accounts.audit
        ),
        presets=Presets(store, pool),
        pulls=made.pulls,
        status=status,
        stock=Stock(store, made.defaults, made.portraits),
        turns=Turns(base.gate),
        upkeep=upkeep,
        verification=made.verification,
        variants=made.variants,
        metrics=base.metrics,
        tracing=base.tracing,
        sampling=settings.sampling,
        media=settings.media,
        security=settings.security,
        shutdown=shutdown,
    )


def _of_people(people: People) -> dict[str, Any]:
    """Return the services that know who asks, and what is kept of theirs."""
    return {
        "access": people.accounts.access,
        "audit": people.accounts.audit,
        "conversations": people.conversations,
        "keys": people.accounts.keys,
        "limits": people.limits,
        "login": people.accounts.login,
        "sessions": people.sessions,
        "signing": people.accounts.signing,
        "usage": people.usage,
        "users": people.accounts.users,
    }


class _Joined:
    """The services that others of them are built upon, each once, in order."""

    def __init__(self, base: Foundation, people: People) -> None:
        settings, store, pool = base.settings, base.store, base.pool
        self._base = base
        self.defaults = Defaults(store, settings.models, base.paths.config_file)
        self.residents = Residents(pool, self.defaults, base.gate, settings.pool.mismatch)
        self.pulls = Pulls(base.downloads, base.gate)
        self.quantization = Quantization(store, base.gate)
        self.constraints = Constraints(base.rehearsal)
        self.requests = Requests(
            base.metrics, spend=people.limits.spend, transcribe=settings.log.prompts
        )
        self.generation = Generation(
            self.defaults,
            Replay(pool),
            self.constraints,
            base.gate,
            self.requests,
            Lengths(settings.limits),
            people.accounts.revocations,
        )
        self.planning = Planning(
            base.planner, pool, self.defaults, base.catalogue, reserve(settings.pool)
        )
        self.library = Library(store, self.defaults, pool)
        self.variants = Variants(
            store,
            base.catalogue,
            self.defaults,
            self.pulls,
            self.quantization,
            self.residents,
            may_quantize=settings.models.quantize,
        )
        self.portraits = Portraits(base.catalogue)
        self.verification = Verification(store, Mending(store, base.downloads.conditions))
        self._machine = Machine(base.planner, pool)

    def jobs(self) -> Jobs:
        """Return the long work that pages begin."""
        hands = Hands(self.pulls, self.quantization, self.residents, self.verification)
        unfinished = Unfinished(self._base.paths.downloads_file)
        return Jobs(hands, unfinished, partial(canonical, catalogue=self._base.catalogue))

    def deployments(self, people: People) -> Deployments:
        """Return the jobs that make models ready."""
        carrier = Carrier(
            self.variants,
            self.planning,
            self.residents,
            self.generation,
            self._base.catalogue,
            self._base.store.directory,
        )
        return Deployments(
            people.deployments,
            carrier,
            self._machine,
            self.library,
            self.residents,
            self._base.catalogue,
        )

    def feed(self, status: Status, deployments: Deployments, upkeep: Upkeep) -> Feed:
        """Return what watchers are told."""
        return Feed(
            Sources(
                status=status,
                requests=self.requests,
                pulls=self.pulls,
                quantization=self.quantization,
                deployments=deployments,
                rooms=self._machine.rooms,
                disk=upkeep.room,
            )
        )

    def directory(self) -> Directory:
        """Return the directory of models."""
        settings = self._base.settings
        return Directory(
            self.library,
            self.residents,
            self.portraits,
            self.requests.performance,
            self._machine,
            self._base.catalogue,
            partial(effect.sampling, settings.sampling),
            settings.engine.context_length,
        )
