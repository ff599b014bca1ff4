"""Pages about models: what is here and in memory, what the catalogue has, one model in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from llmd.errors import ModelNotFound
from llmd.protocol.callers import Scope
from llmd.protocol.catalog import Offer
from llmd.protocol.feed import Snapshot
from llmd.protocol.models import Kind, ModelManifest
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get
from llmd.server.web import shelves
from llmd.server.web.live import Facts, Region
from llmd.server.web.pages import page
from llmd.server.web.routes.model_search import found
from llmd.server.web.routes.watching import LIVE
from llmd.services.bundle import Services
from llmd.services.jobs import Job, PullOrder, QuantizeOrder

_LONGEST_TEMPLATE = 100_000


async def show(request: web.Request) -> web.Response:
    """Show what is installed and what is loaded."""
    services = request.app[SERVICES]
    await services.stock.look()
    snapshot = await request.app[LIVE].now()
    acts = Scope.MODELS_WRITE in request[CALLER].scopes
    facts: dict[str, Any] = {"acts": acts}
    for told in (_jobs, _loaded, _choices, _installed):
        facts |= told(services, snapshot)
    return await page(request, "admin/models.html", **facts)


async def catalogue(request: web.Request) -> web.Response:
    """Show what can be fetched."""
    services = request.app[SERVICES]
    snapshot = await request.app[LIVE].now()
    facts = {**await found(request), **_jobs(services, snapshot)}
    return await page(request, "admin/models_catalogue.html", **facts)


async def one(request: web.Request) -> web.Response:
    """Show all that is known of one model."""
    services, name = request.app[SERVICES], request.match_info["name"]
    card = await services.descriptions.installed(name)
    shelf = await services.stock.look()
    snapshot = await request.app[LIVE].now()
    rows = shelves.rows(shelf, snapshot.models, services.jobs.list())
    row = next(
        (row for row in rows if card.manifest and row.model.name == card.manifest.name), None
    )
    if row is None or card.manifest is None:
        raise ModelNotFound(f"There is no model {name[:200]}.", hint="It was just removed.")
    return await page(
        request,
        "admin/models_one.html",
        acts=Scope.MODELS_WRITE in request[CALLER].scopes,
        card=card,
        row=row,
        offer=await _offer(services, row.model.name),
        based=[other.model.name for other in rows if other.model.preset.base == row.model.name],
        longest=_LONGEST_TEMPLATE,
        preset=_settings(row.model),
        **_jobs(services, snapshot),
    )


def _settings(model: ModelManifest) -> dict[str, object]:
    """Return how a model is sampled and loaded where nobody says otherwise."""
    parts = (model.preset.sampling, model.options)
    values = {name: value for part in parts for name, value in msgspec.to_builtins(part).items()}
    return {name: value for name, value in values.items() if value is not None}


async def _offer(services: Services, name: str) -> Offer | None:
    """Return the entry of the catalogue that a model comes from."""
    offers = (await services.catalog.find([])).models
    return next((offer for offer in offers if name in offer.installed), None)


def _jobs(services: Services, snapshot: Snapshot) -> Mapping[str, Any]:
    jobs = services.jobs.list()
    own = {name for job in jobs if job.live for name in _names(job)}
    others = [
        *(pull for pull in snapshot.downloads if pull.name not in own),
        *(made for made in snapshot.quantizations if made.name not in own),
    ]
    return {"jobs": jobs, "others": others}


def _names(job: Job) -> set[str]:
    order = job.order
    asked = {order.model} if isinstance(order, PullOrder) else set()
    made = {order.name} if isinstance(order, QuantizeOrder) else set()
    return {name for name in {job.name, *asked, *made} if name}


def _loaded(services: Services, snapshot: Snapshot) -> Mapping[str, Any]:
    del services
    return {"cards": shelves.cards(snapshot)}


def _installed(services: Services, snapshot: Snapshot) -> Mapping[str, Any]:
    shelf = services.stock.seen()
    rows = shelves.rows(shelf, snapshot.models, services.jobs.list())
    alone = all(row.builtin for row in rows if row.model.kind is Kind.CHAT)
    return {"rows": rows, "broken": shelf.broken, "alone": alone}


def _choices(services: Services, snapshot: Snapshot) -> Mapping[str, Any]:
    del snapshot
    return {"choices": shelves.choices(services.stock.seen())}


def _regions(name: str, facts: Facts) -> tuple[Region, Region]:
    """Return a region for those who look, and one with buttons for those who may act."""

    def told(services: Services, snapshot: Snapshot, *, acts: bool) -> Mapping[str, object]:
        return {**facts(services, snapshot), "acts": acts}

    kind: Callable[..., Region] = partial(Region, template=f"admin/{name}.html")
    return (
        kind(name=name, facts=partial(told, acts=False), scope=Scope.MODELS_READ),
        kind(name=f"{name}_acts", facts=partial(told, acts=True), scope=Scope.MODELS_WRITE),
    )


REGIONS = (
    *_regions("models_jobs", _jobs),
    *_regions("models_loaded", _loaded),
    *_regions("models_choices", _choices),
    *_regions("models_installed", _installed),
)
ROUTES = (
    get("/admin/models", show, Scope.MODELS_READ),
    get("/admin/models/catalogue", catalogue, Scope.MODELS_READ),
    get("/admin/models/of/{name:.+}", one, Scope.MODELS_READ),
)
