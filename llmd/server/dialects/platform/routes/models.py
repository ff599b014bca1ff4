"""The configuration of models: presets, and defaults of models that are none."""

from __future__ import annotations

from aiohttp import web

from llmd.errors import ModelNotFound, NameTaken
from llmd.protocol.models import ModelManifest, ModelState
from llmd.server.dialects.platform import convert, schema
from llmd.server.dialects.platform.routes.answers import enveloped
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import SERVICES
from llmd.services.bundle import Services


async def list_models(request: web.Request) -> web.Response:
    """List models with their configuration."""
    services = request.app[SERVICES]
    page = read_query(request, schema.Page)
    loaded = _loaded(services)

    def show(found: ModelManifest) -> schema.ModelObject:
        return convert.model(found, loaded)

    return enveloped(convert.listing(await services.library.models(), page, show))


async def create_model(request: web.Request) -> web.Response:
    """Make a model of its own name over another's files."""
    services = request.app[SERVICES]
    order = await read_json(request, schema.NewModel)
    recipe = convert.recipe(order)
    # a path would be one of this machine, and nobody's business over the network
    base = await services.library.get(order.base)
    await _check_free(services, order.id)
    recipe = convert.based(recipe, base.name)
    made = await services.presets.create(order.id, None, "", recipe)
    return enveloped(convert.model(made.model, _loaded(services)))


async def change_model(request: web.Request) -> web.Response:
    """Change how a model is configured."""
    services = request.app[SERVICES]
    order = await read_json(request, schema.ModelChange)
    changed = await services.presets.change(request.match_info["modelId"], convert.recipe(order))
    return enveloped(convert.model(changed.model, _loaded(services)))


async def _check_free(services: Services, name: str) -> None:
    try:
        found = await services.library.get(name)
    except ModelNotFound:
        return
    raise NameTaken(
        f"There is a model {found.name} already.", hint="Change it with PUT, or take another name."
    )


def _loaded(services: Services) -> frozenset[str]:
    ready = [one for one in services.residents.models() if one.state is ModelState.READY]
    return frozenset(one.name for one in ready)
