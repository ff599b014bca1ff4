"""Models, the disk and the daemon itself."""

from __future__ import annotations

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest
from llmd.models.presets.tables import read_changes
from llmd.protocol.adoption import Keep
from llmd.protocol.callers import Scope
from llmd.server.dialects.control import convert, schema
from llmd.server.dialects.control.routes.answers import json, lines
from llmd.server.http.body import read_json
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import delete, get, post

_DIGITS = 18


async def status(request: web.Request) -> web.Response:
    """Report on the daemon."""
    services = request.app[SERVICES]
    models = await services.library.models()
    return json({**msgspec.to_builtins(services.status.report()), "models": len(models)})


async def stop(request: web.Request) -> web.Response:
    """Shut the daemon down."""
    order = await read_json(request, schema.Stop)
    request.app[SERVICES].shutdown(order.mode == "now")
    return json({"state": "draining"})


async def list_models(request: web.Request) -> web.Response:
    """List registered models."""
    library = request.app[SERVICES].library
    return json(schema.ModelList(await library.models(), library.default_chat()))


async def show_model(request: web.Request) -> web.Response:
    """Describe one model."""
    card = await request.app[SERVICES].descriptions.installed(request.match_info["name"])
    return json(convert.model_card(card))


async def inspect(request: web.Request) -> web.Response:
    """Describe a model, a file or an entry of the catalogue."""
    order = await read_json(request, schema.Inspect)
    return json(convert.model_card(await request.app[SERVICES].descriptions.of(order.model)))


async def search_catalog(request: web.Request) -> web.Response:
    """List entries of the catalogue: `query` (words), `kind`, `max_size` (bytes)."""
    limit = request.query.get("max_size") or "0"
    if not limit.isdecimal() or not limit.isascii() or len(limit) > _DIGITS:
        raise InvalidRequest(
            f"{limit[:100]!r} is no number of bytes.", hint="Give a whole number.", param="max_size"
        )
    words = request.query.get("query", "").split()
    kind = request.query.get("kind", "")
    return json(await request.app[SERVICES].catalog.find(words, kind, int(limit)))


async def remove_model(request: web.Request) -> web.Response:
    """Forget one model."""
    return json(await request.app[SERVICES].library.remove(request.match_info["name"]))


async def import_model(request: web.Request) -> web.StreamResponse:
    """Register a local file."""
    order = await read_json(request, schema.Import)
    file = (order.path, order.name, order.projector, order.pooling)
    if order.keep is Keep.REFERENCE:
        return json(await request.app[SERVICES].library.add(*file))
    adding = request.app[SERVICES].adoption.add(*file, order.keep)
    return await lines(request, adding, convert.pull_line)


async def scan(request: web.Request) -> web.Response:
    """Tell which models other tools have."""
    order = await read_json(request, schema.Scan)
    return json(await request.app[SERVICES].adoption.survey(order.places))


async def adopt(request: web.Request) -> web.StreamResponse:
    """Register models of other tools."""
    order = await read_json(request, schema.Adopt)
    adopting = request.app[SERVICES].adoption.adopt(order.places, order.names, order.keep)
    return await lines(request, adopting, convert.adoption_line)


async def create_model(request: web.Request) -> web.Response:
    """Make a preset."""
    order = await read_json(request, schema.Create)
    changes = read_changes(order.changes)
    presets = request.app[SERVICES].presets
    return json(await presets.create(order.name, order.text, order.directory, changes))


async def disk(request: web.Request) -> web.Response:
    """Say what llmd takes of the disk."""
    return json(convert.disk_use(await request.app[SERVICES].upkeep.usage()))


async def clear(request: web.Request) -> web.Response:
    """Delete what nobody needs."""
    order = await read_json(request, schema.Clear)
    return json(await request.app[SERVICES].upkeep.clear(dry=order.dry))


async def verify(request: web.Request) -> web.StreamResponse:
    """Check models byte by byte."""
    order = await read_json(request, schema.Verify)
    checking = request.app[SERVICES].verification.verify(order.models, repair=order.repair)
    return await lines(request, checking, convert.line)


async def add_adapter(request: web.Request) -> web.Response:
    """Give a model an adapter."""
    order = await read_json(request, schema.AddAdapter)
    return json(
        await request.app[SERVICES].adapters.add(
            order.model, order.path, order.name, order.scale, default=order.default
        )
    )


async def remove_adapter(request: web.Request) -> web.Response:
    """Take an adapter from a model."""
    order = await read_json(request, schema.RemoveAdapter)
    return json(await request.app[SERVICES].adapters.remove(order.model, order.name))


async def copy_model(request: web.Request) -> web.Response:
    """Give a model a second name."""
    order = await read_json(request, schema.Copy)
    return json(await request.app[SERVICES].library.copy(order.source, order.target))


async def pull(request: web.Request) -> web.StreamResponse:
    """Download a model."""
    order = await read_json(request, schema.Pull)
    events = request.app[SERVICES].pulls.pull(
        order.name, order.limit, called=order.called, now=order.now
    )
    return await lines(request, events, convert.pull_line)


async def quantize(request: web.Request) -> web.StreamResponse:
    """Make a smaller variant of a model."""
    order = await read_json(request, schema.Quantize)
    making = request.app[SERVICES].quantization.quantize(order.model, order.recipe, order.name)
    return await lines(request, making, convert.pull_line)


async def list_quantizations(request: web.Request) -> web.Response:
    """List the types a model can be quantised to."""
    quantization = request.app[SERVICES].quantization
    return json(schema.TypeList(await quantization.types(request.query.get("model") or None)))


async def load(request: web.Request) -> web.StreamResponse:
    """Load a model."""
    order = await read_json(request, schema.Load)
    services = request.app[SERVICES]
    if order.quantization:
        found = services.variants.load(order.model, order.quantization, order.options)
        return await lines(request, found, convert.line)
    loading = services.residents.load(order.model, order.options)
    return await lines(request, loading, convert.line)


async def plan(request: web.Request) -> web.Response:
    """Tell what loading a model would take."""
    order = await read_json(request, schema.Plan)
    return json(await request.app[SERVICES].planning.plan(order.model, order.options))


async def unload(request: web.Request) -> web.Response:
    """Unload one model or all."""
    order = await read_json(request, schema.Unload)
    residents = request.app[SERVICES].residents
    return json(
        {"unloaded": await residents.unload(order.model, everything=order.all, force=order.force)}
    )


async def ps(request: web.Request) -> web.Response:
    """List loaded models."""
    return json(schema.LoadedList(request.app[SERVICES].residents.models()))


async def list_defaults(request: web.Request) -> web.Response:
    """Tell which models answer when none is named."""
    return json(schema.DefaultList(request.app[SERVICES].defaults.list()))


async def change_default(request: web.Request) -> web.Response:
    """Choose the model that answers when none is named."""
    order = await read_json(request, schema.ChangeDefault)
    return json(await request.app[SERVICES].defaults.change(order.purpose, order.model))


async def list_requests(request: web.Request) -> web.Response:
    """List requests under way and the latest of those that ended."""
    return json(request.app[SERVICES].requests.list())


async def cancel_request(request: web.Request) -> web.Response:
    """End a request that is under way."""
    order = await read_json(request, schema.CancelRequest)
    return json(request.app[SERVICES].requests.cancel(order.id))


_OWNER = Scope.ADMIN

ROUTES = (
    get("/status", status, _OWNER),
    post("/stop", stop, _OWNER),
    get("/models", list_models, _OWNER),
    post("/models/import", import_model, _OWNER),
    post("/models/scan", scan, _OWNER),
    post("/models/adopt", adopt, _OWNER),
    post("/models/copy", copy_model, _OWNER),
    post("/models/create", create_model, _OWNER),
    post("/inspect", inspect, _OWNER),
    get("/catalog", search_catalog, _OWNER),
    get("/models/{name:.+}", show_model, _OWNER),
    delete("/models/{name:.+}", remove_model, _OWNER),
    post("/adapters/add", add_adapter, _OWNER),
    post("/adapters/remove", remove_adapter, _OWNER),
    get("/disk", disk, _OWNER),
    post("/gc", clear, _OWNER),
    post("/verify", verify, _OWNER),
    post("/pull", pull, _OWNER),
    post("/quantize", quantize, _OWNER),
    get("/quantizations", list_quantizations, _OWNER),
    post("/load", load, _OWNER),
    post("/plan", plan, _OWNER),
    post("/unload", unload, _OWNER),
    get("/ps", ps, _OWNER),
    get("/defaults", list_defaults, _OWNER),
    post("/defaults", change_default, _OWNER),
    get("/requests", list_requests, _OWNER),
    post("/requests/cancel", cancel_request, _OWNER),
)
