"""What lives on pages, as server-sent events."""

from __future__ import annotations

from contextlib import aclosing

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest
from llmd.protocol.callers import Scope
from llmd.server.http.body import read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get
from llmd.server.http.streaming import finished, open_stream
from llmd.server.web.entrance import still_may
from llmd.server.web.live import Live
from llmd.server.web.pages import SITE, said

LIVE: web.AppKey[Live] = web.AppKey("live", Live)


class Wanted(msgspec.Struct, frozen=True):
    """The query of `/web/live`."""

    regions: str
    """Names with commas between."""


async def live(request: web.Request) -> web.StreamResponse:
    """Tell how parts of a page change, until the page is left."""
    known, asked = request.app[LIVE], read_query(request, Wanted).regions.split(",")
    wanted = list(dict.fromkeys(asked))
    if unknown := sorted(set(wanted) - set(known.regions)):
        raise InvalidRequest(f"There is no region {unknown[0][:50]!r}.", param="regions")
    scopes = {known.regions[name].scope for name in wanted}
    for scope in scopes:
        request.app[SERVICES].access.permit(request[CALLER], scope)
    site = await request.app[SITE].get()
    async with aclosing(known.watch(site, said(request, site), wanted)) as changes:
        first = await anext(changes)
        async with open_stream(request, "text/event-stream") as stream:
            await stream.send(first)
            async for events in changes:
                if not await still_may(request, scopes):
                    break  # the page asks again, and is told
                await stream.send(events)
    return finished(request)


ROUTES = (get("/web/live", live, Scope.MODELS_READ),)
