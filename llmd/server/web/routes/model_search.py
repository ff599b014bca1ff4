"""Finding what can be fetched: the catalogue by words, and anything else that can be named."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest
from llmd.models.catalog import Capability
from llmd.models.names import AliasReference, PathReference, parse
from llmd.protocol.callers import Scope
from llmd.protocol.catalog import Fit
from llmd.server.http.body import read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get
from llmd.server.web.pages import fragment

_LONGEST = 2000


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for."""

    words: str = ""
    kind: str = ""
    fitting: str = ""
    """Anything: what is known not to fit this machine stays away."""


async def found(request: web.Request) -> dict[str, Any]:
    """Return what a search comes to."""
    wanted = read_query(request, Wanted)
    words = wanted.words.strip()[:_LONGEST]
    offers = await request.app[SERVICES].catalog.find(words.split(), wanted.kind)
    models = [offer for offer in offers.models if not wanted.fitting or offer.fit is not Fit.NO]
    return {
        "wanted": wanted,
        "kinds": [str(capability) for capability in Capability],
        "offers": models,
        "left_out": len(offers.models) - len(models),
        "near": offers.near,
        "faults": offers.faults,
        "named": words if _elsewhere(words) else "",
        "own_file": words if _is_path(words) else "",
        "acts": Scope.MODELS_WRITE in request[CALLER].scopes,
    }


async def search(request: web.Request) -> web.Response:
    """Show what a search comes to."""
    facts = await found(request)
    return await fragment(request, "admin/models_found.html", **facts)


def _elsewhere(words: str) -> bool:
    """Whether this names something to fetch that is not in the catalogue."""
    try:
        return not isinstance(parse(words), AliasReference | PathReference)
    except InvalidRequest:
        return False


def _is_path(words: str) -> bool:
    try:
        return isinstance(parse(words), PathReference)
    except InvalidRequest:
        return False


ROUTES = (get("/web/models/search", search, Scope.MODELS_READ),)
