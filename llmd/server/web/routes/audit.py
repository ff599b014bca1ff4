"""What was done to accounts and settings, and who tried what was not theirs."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Meta

from llmd.errors import InvalidRequest
from llmd.protocol.accounts import AuditKind, AuditWish
from llmd.protocol.callers import Scope
from llmd.server.http.body import read_query
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get
from llmd.server.web.pages import fragment, page

_SHOWN = 50
_LONGEST = 200


class Query(msgspec.Struct, frozen=True):
    """Which entries are looked for; empty: all."""

    kind: str = ""
    actor: Annotated[str, Meta(max_length=_LONGEST)] = ""
    words: Annotated[str, Meta(max_length=_LONGEST)] = ""
    before: int | None = None


async def show(request: web.Request) -> web.Response:
    """Show the newest entries."""
    return await page(request, "admin/audit.html", kinds=list(AuditKind), **await _facts(request))


async def entries(request: web.Request) -> web.Response:
    """Show those entries that are looked for, or older ones."""
    return await fragment(request, "admin/journal/entries.html", **await _facts(request))


async def _facts(request: web.Request) -> dict[str, Any]:
    query = read_query(request, Query)
    found = await request.app[SERVICES].audit.page(
        AuditWish(
            limit=_SHOWN,
            before=query.before,
            kinds=_kinds(query.kind),
            actor=query.actor,
            words=query.words,
        )
    )
    chosen = {"kind": query.kind, "actor": query.actor, "words": query.words}
    further = {**chosen, "before": str(found.older)}
    return {
        "entries": found.entries,
        "older": "" if found.older is None else "/web/audit?" + urlencode(further),
        "chosen": chosen,
    }


def _kinds(kind: str) -> frozenset[AuditKind]:
    if kind and kind not in set(AuditKind):
        raise InvalidRequest(f"Nothing is noted as {kind[:50]!r}.", param="kind")
    return frozenset({AuditKind(kind)} if kind else ())


ROUTES = (
    get("/admin/audit", show, Scope.ADMIN),
    get("/web/audit", entries, Scope.ADMIN),
)
