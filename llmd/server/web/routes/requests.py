"""Requests under way and ended ones, told row by row, and how somebody ends one.

What was asked belongs to those who asked: of the words by which a prompt left the prefix cache only
administrators are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest
from llmd.protocol.callers import Scope
from llmd.protocol.events import CacheMiss
from llmd.protocol.feed import Snapshot
from llmd.protocol.reports import RequestReport
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post
from llmd.server.web import replies
from llmd.server.web.live import Region
from llmd.server.web.pages import page
from llmd.services.bundle import Services


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    whole = Scope.ADMIN in request[CALLER].scopes
    return await page(
        request, "admin/requests.html", region="requests-whole" if whole else "requests"
    )


async def cancel(request: web.Request) -> web.Response:
    """End a request that is under way, whoever sent it."""
    text = request.match_info["id"]
    if not text.isdecimal() or not text.isascii():
        raise InvalidRequest("The number of a request is expected.", param="id")
    request.app[SERVICES].requests.cancel(int(text))
    return replies.done()


def rows(services: Services, snapshot: Snapshot, *, quoted: bool) -> Mapping[str, object]:
    """Return each request by its number; `quoted`: with words of prompts."""
    del services
    live = {str(one.id): row(one, quoted=quoted) for one in snapshot.requests.live}
    ended = {str(one.id): row(one, quoted=quoted, over=True) for one in snapshot.requests.ended}
    return ended | live


def row(request: RequestReport, *, quoted: bool, over: bool = False) -> dict[str, Any]:
    """Return a request as the page gets it: what is nothing is left out, and so is the age of one
    that goes on, which the browser counts.
    """
    told: dict[str, Any] = {
        "model": request.model,
        "client": request.client,
        "trace": request.trace,
        "lane": request.lane,
        "state": request.state,
        "reason": request.reason,
        "wait": request.estimated_wait,
        "queued": request.queued,
        "first": request.first_token,
        "arrived": round(request.arrived, 3),
        "took": request.age if over else None,
        "prompt": request.prompt_tokens,
        "read": request.read_tokens,
        "cached": request.cached_tokens,
        "miss": _miss(request.cache_miss, quoted=quoted),
        "written": request.generated_tokens,
        "speed": request.tokens_per_second,
        "drafted": request.drafted_tokens,
        "accepted": request.accepted_tokens,
    }
    told = {name: value for name, value in told.items() if value}
    # nobody stands before the first one
    return told if request.position is None else told | {"position": request.position}


def _miss(miss: CacheMiss | None, *, quoted: bool) -> CacheMiss | None:
    if miss is None or quoted:
        return miss
    return msgspec.structs.replace(miss, text="", instead="")


REGIONS = (
    Region(name="requests", facts=partial(rows, quoted=False), rows=True),
    Region(name="requests-whole", facts=partial(rows, quoted=True), rows=True, scope=Scope.ADMIN),
)
ROUTES = (
    get("/admin/requests", show, Scope.METRICS),
    post("/web/requests/{id}/cancel", cancel, Scope.ADMIN),
)
