"""Questions that the pages about models ask before they do something: each is a fragment that goes
into the dialog of the page.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from llmd.errors import AccessDenied, DownloadFailed, LlmdError
from llmd.models import files
from llmd.protocol.callers import Scope
from llmd.protocol.catalog import Fit, Offer
from llmd.protocol.models import ModelManifest, Prospect
from llmd.protocol.placement import Plan
from llmd.runtime.room import MAIN_MEMORY
from llmd.server.http.body import read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post
from llmd.server.web import load_fields, shelves
from llmd.server.web.forms import read_fields
from llmd.server.web.load_fields import LoadFields
from llmd.server.web.pages import fragment
from llmd.services.bundle import Services

_CONTEXTS = tuple(1024 * 2**power for power in range(1, 11))
_USUAL = "Q4_K_M"
"""The type that most people take."""
_LIFETIMES = ("1m", "5m", "30m", "2h", "-1")


class Named(msgspec.Struct, frozen=True):
    """A model that a dialog is about."""

    name: str


async def load(request: web.Request) -> web.Response:
    """Ask how a model is to be loaded."""
    services = request.app[SERVICES]
    model = await services.library.get(read_query(request, Named).name)
    loaded = services.library.loaded(model.name)
    options = loaded.options if loaded else model.options
    found = await services.planning.plan(model.name, options)
    return await fragment(
        request,
        "admin/models_load.html",
        model=model,
        loaded=loaded,
        values=load_fields.shown(options),
        preset=load_fields.shown(model.options),
        contexts=[size for size in _CONTEXTS if size <= max(model.context_length, _CONTEXTS[0])],
        lifetimes=_LIFETIMES,
        gpus=[room for room in found.rooms if room.device != MAIN_MEMORY],
        acts=Scope.MODELS_WRITE in request[CALLER].scopes,
        error=None,
        **_drawn(found),
    )


async def plan(request: web.Request) -> web.Response:
    """Say what loading a model as the form says would take."""
    fields = await read_fields(request, LoadFields)
    services = request.app[SERVICES]
    try:
        # registered ones alone: a path would be one of this machine, and tell what lies there
        name = (await services.library.get(fields.name)).name
        found = await services.planning.plan(name, fields.options)
    except LlmdError as error:
        return await fragment(request, "admin/models_plan.html", error=error, plan=None)
    return await fragment(request, "admin/models_plan.html", error=None, **_drawn(found))


def _drawn(plan: Plan) -> dict[str, Any]:
    remedies = [
        (remedy.text, msgspec.to_builtins(remedy.options) if remedy.options else {})
        for remedy in plan.remedies
    ]
    return {"plan": plan, "bars": shelves.planned(plan), "remedies": remedies}


async def pull(request: web.Request) -> web.Response:
    """Ask which variant of a model is to be fetched."""
    name = read_query(request, Named).name
    offer = await _offer(request.app[SERVICES], name)
    return await fragment(request, "admin/models_pull.html", name=name, offer=offer, Fit=Fit)


async def outlook(request: web.Request) -> web.Response:
    """Say how large a download will be, and whether it fits."""
    services, name = request.app[SERVICES], read_query(request, Named).name
    known = await _known_size(services, name)
    told: dict[str, Any] = {"known": known, "prospect": None, "error": None, "plan": None}
    try:
        told["prospect"] = prospect = await services.pulls.look(name)
    except (AccessDenied, DownloadFailed) as error:
        told["error"] = error
        prospect = Prospect(name=name, size=known)
    except LlmdError as error:
        return await fragment(request, "admin/models_outlook.html", **{**told, "error": error})
    if prospect.size:
        told |= _drawn(await services.planning.rough(prospect))
    return await fragment(request, "admin/models_outlook.html", **told)


async def _offer(services: Services, name: str) -> Offer | None:
    offers = (await services.catalog.find([])).models
    wanted = name.casefold()
    names = {n.casefold(): o for o in offers for n in (*(v.name for v in o.variants), *o.also)}
    names |= {offer.alias: offer for offer in offers}
    return names.get(wanted)


async def _known_size(services: Services, name: str) -> int:
    """Return what the catalogue says of the size; 0: nothing."""
    offer = await _offer(services, name)
    if offer is None:
        return 0
    sizes = {variant.name: variant.size for variant in offer.variants}
    return sizes.get(name, offer.size)


async def quantize(request: web.Request) -> web.Response:
    """Ask what a model is to be made into."""
    services = request.app[SERVICES]
    model = await services.library.get(read_query(request, Named).name)
    types = await services.quantization.types(model.name)
    advised = [one for one in types if not one.refusal and not one.needs_imatrix]
    usual = next((one.name for one in advised if one.name == _USUAL), "")
    return await fragment(
        request,
        "admin/models_quantize.html",
        model=model,
        advised=advised,
        others=[one for one in types if one not in advised],
        usual=usual or (advised[0].name if advised else ""),
    )


async def copy(request: web.Request) -> web.Response:
    """Ask for a second name."""
    model = await request.app[SERVICES].library.get(read_query(request, Named).name)
    return await fragment(request, "admin/models_copy.html", model=model)


async def delete(request: web.Request) -> web.Response:
    """Ask whether a model is to go, and say what goes with it."""
    services = request.app[SERVICES]
    model = await services.library.get(read_query(request, Named).name)
    others = [other for other in await services.library.models() if other.name != model.name]
    sharing = await asyncio.to_thread(_sharing, model, others)
    shelf = await services.stock.look()
    return await fragment(
        request,
        "admin/models_delete.html",
        model=model,
        loaded=services.library.loaded(model.name),
        sharing=sharing,
        drafted=[other.name for other in others if other.draft == model.name],
        purposes=[
            str(default.purpose)
            for default in shelf.defaults
            if default.chosen and default.model == model.name
        ],
    )


def _sharing(model: ModelManifest, others: list[ModelManifest]) -> list[str]:
    return [other.name for other in others if files.same(other.path, model.path)]


ROUTES = (
    get("/web/models/load", load, Scope.MODELS_READ),
    post("/web/models/plan", plan, Scope.MODELS_READ),
    get("/web/models/pull", pull, Scope.MODELS_WRITE),
    get("/web/models/outlook", outlook, Scope.MODELS_WRITE),
    get("/web/models/quantize", quantize, Scope.MODELS_WRITE),
    get("/web/models/copy", copy, Scope.MODELS_WRITE),
    get("/web/models/delete", delete, Scope.MODELS_WRITE),
)
