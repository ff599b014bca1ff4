"""What is done with models: fetch, load, keep, let go, make smaller, check, name, delete, choose.

What takes long becomes a job that goes on without the page; the rest is done when it is answered.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from llmd.config.values import Size
from llmd.errors import InvalidRequest, ModelBusy, ModelNotLoaded
from llmd.protocol.callers import Scope
from llmd.protocol.placement import LoadOptions
from llmd.protocol.quantization import Recipe
from llmd.runtime.residency.wishes import checked, given
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import post
from llmd.server.web import load_fields, replies
from llmd.server.web.forms import read_fields
from llmd.server.web.load_fields import LoadFields
from llmd.server.web.pages import SITE, fragment, said
from llmd.services.bundle import Services
from llmd.services.defaults import Purpose
from llmd.services.jobs import CheckOrder, LoadOrder, PullOrder, QuantizeOrder

Name = Annotated[str, Meta(min_length=1, max_length=2000)]


class PullFields(msgspec.Struct, frozen=True):
    """What to fetch."""

    name: Name
    limit: str = ""
    """Such as `5MB` a second; empty: as it is."""
    now: bool = False


class Named(msgspec.Struct, frozen=True):
    """A model."""

    name: Name
    force: bool = False
    """Whether running answers are cut off."""
    repair: bool = False
    """Whether damaged parts are fetched again."""


class Stay(msgspec.Struct, frozen=True):
    """How long a model stays in memory; what was left out stays as it is."""

    name: Name
    pinned: bool | None = None
    keep_alive: str = ""


class QuantizeFields(msgspec.Struct, frozen=True):
    """What to make of a model."""

    name: Name
    type: str
    to: str = ""
    requantize: bool = False


class CopyFields(msgspec.Struct, frozen=True):
    """A second name."""

    name: Name
    to: Name


class ChoiceFields(msgspec.Struct, frozen=True):
    """Which model answers for a purpose; an empty name: the newest that can."""

    purpose: Purpose
    name: str = ""


async def pull(request: web.Request) -> web.Response:
    """Begin a download."""
    fields = await read_fields(request, PullFields)
    limit = _bytes(fields.limit)
    name = fields.name.strip()
    request.app[SERVICES].jobs.begin(PullOrder(model=name, limit=limit, now=fields.now))
    return replies.done(await _words(request, "models.pull_begun", name=name))


async def load(request: web.Request) -> web.Response:
    """Begin to load a model, anew where it is loaded otherwise."""
    services = request.app[SERVICES]
    fields = await read_fields(request, LoadFields)
    options = checked(fields.options)
    name = (await services.library.get(fields.name)).name
    await _forget_options(services, name, options)
    services.jobs.begin(LoadOrder(model=name, options=options))
    return replies.done(await _words(request, "models.load_begun", name=name))


async def _forget_options(services: Services, name: str, options: LoadOptions) -> None:
    """Unload a model when the form does not say any more what it was ordered to be loaded with:
    orders are laid upon one another until it is unloaded.
    """
    loaded = services.library.loaded(name)
    if loaded is None:
        return
    manifest = await services.library.get(name)
    ordered = given(loaded.options).keys() - given(manifest.options).keys()
    if ordered - given(options).keys():
        await services.residents.unload(name, everything=False, force=False)


async def unload(request: web.Request) -> web.Response:
    """Unload a model; ask before answers are cut off."""
    services = request.app[SERVICES]
    fields = await read_fields(request, Named)
    try:
        await services.residents.unload(fields.name, everything=False, force=fields.force)
    except ModelBusy as busy:
        response = await fragment(request, "admin/models_busy.html", name=fields.name, busy=busy)
        response.headers["HX-Retarget"] = "#dialog-body"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
    return replies.done(await _words(request, "models.unloaded", name=fields.name))


async def stay(request: web.Request) -> web.Response:
    """Pin a loaded model, or say how long it stays when idle."""
    services = request.app[SERVICES]
    fields = await read_fields(request, Stay)
    keep_alive = load_fields.lifetime(fields.keep_alive)
    options = checked(LoadOptions(pinned=fields.pinned, keep_alive=keep_alive))
    if services.library.loaded(fields.name) is None:
        raise ModelNotLoaded(f"{fields.name} is not loaded.", hint="Load it first.")
    async for _ in services.residents.load(fields.name, options):
        continue
    told = await _words(request, _STAYS[fields.pinned], name=fields.name)
    return replies.done(told)


async def quantize(request: web.Request) -> web.Response:
    """Begin to make a smaller variant."""
    services = request.app[SERVICES]
    fields = await read_fields(request, QuantizeFields)
    name = (await services.library.get(fields.name)).name
    recipe = Recipe(type=fields.type, requantize=fields.requantize)
    services.jobs.begin(QuantizeOrder(model=name, recipe=recipe, name=fields.to.strip()))
    told = await _words(request, "models.quantize_begun", name=name, type=fields.type)
    return replies.done(told)


async def check(request: web.Request) -> web.Response:
    """Begin to read a model and see whether it is sound."""
    services = request.app[SERVICES]
    fields = await read_fields(request, Named)
    name = (await services.library.get(fields.name)).name
    services.jobs.begin(CheckOrder(model=name, repair=fields.repair))
    return replies.done(await _words(request, "models.check_begun", name=name))


async def copy(request: web.Request) -> web.Response:
    """Give a model a second name."""
    services = request.app[SERVICES]
    fields = await read_fields(request, CopyFields)
    made = await services.library.copy(fields.name, fields.to.strip())
    await services.stock.look()
    return replies.done(await _words(request, "models.copied", name=made.name))


async def delete(request: web.Request) -> web.Response:
    """Delete a model."""
    services = request.app[SERVICES]
    fields = await read_fields(request, Named)
    removed = await services.library.remove(fields.name)
    await services.stock.look()
    return replies.done(
        await _words(request, "models.deleted", name=removed.removed),
        **{"models:gone": removed.removed},
    )


async def choose(request: web.Request) -> web.Response:
    """Choose the model that answers when none is named."""
    services = request.app[SERVICES]
    fields = await read_fields(request, ChoiceFields)
    changed = await services.defaults.change(fields.purpose, fields.name or None)
    await services.stock.look()
    word = "models.chosen_until" if changed.overridden_by else "models.chosen"
    purpose = await _words(request, f"models.for.{fields.purpose}")
    name = changed.model or await _words(request, "models.nobody")
    told = {"name": name, "purpose": purpose, "variable": changed.overridden_by}
    return replies.done(await _words(request, word, **told))


async def cancel(request: web.Request) -> web.Response:
    """Stop a job; a download keeps what has come."""
    await request.app[SERVICES].jobs.cancel(request.match_info["id"])
    return replies.done()


async def resume(request: web.Request) -> web.Response:
    """Go on with a job that was stopped or has failed."""
    request.app[SERVICES].jobs.resume(request.match_info["id"])
    return replies.done()


async def hurry(request: web.Request) -> web.Response:
    """Have a download not wait for its hours."""
    request.app[SERVICES].jobs.hurry(request.match_info["id"])
    return replies.done()


async def dismiss(request: web.Request) -> web.Response:
    """Forget a job that has ended."""
    request.app[SERVICES].jobs.dismiss(request.match_info["id"])
    return replies.done()


async def _words(request: web.Request, key: str, /, **figures: object) -> str:
    return said(request, await request.app[SITE].get())(key, **figures)


def _bytes(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        return int(Size.parse(text.strip().removesuffix("/s")))
    except ValueError as error:
        raise InvalidRequest(f"limit: {error}.", param="limit") from None


_STAYS = {True: "models.told_pinned", False: "models.told_unpinned", None: "models.stays"}
_ACT = Scope.MODELS_WRITE

ROUTES = (
    post("/web/models/pull", pull, _ACT),
    post("/web/models/load", load, _ACT),
    post("/web/models/unload", unload, _ACT),
    post("/web/models/stay", stay, _ACT),
    post("/web/models/quantize", quantize, _ACT),
    post("/web/models/check", check, _ACT),
    post("/web/models/copy", copy, _ACT),
    post("/web/models/delete", delete, _ACT),
    post("/web/models/default", choose, _ACT),
    post("/web/models/jobs/{id}/cancel", cancel, _ACT),
    post("/web/models/jobs/{id}/resume", resume, _ACT),
    post("/web/models/jobs/{id}/now", hurry, _ACT),
    post("/web/models/jobs/{id}/dismiss", dismiss, _ACT),
)
