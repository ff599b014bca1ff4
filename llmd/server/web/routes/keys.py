"""API keys: what programs show to be let in."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from llmd.errors import InvalidRequest
from llmd.protocol.accounts import ApiKey, KeyChanges, NewKey, User
from llmd.protocol.callers import Scope
from llmd.security.naming import folded
from llmd.security.scopes import of_role
from llmd.server.http.body import read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import delete, get, post
from llmd.server.web import replies
from llmd.server.web.forms import read_fields
from llmd.server.web.pages import fragment, page
from llmd.server.web.people import (
    DAYS,
    Chart,
    LimitFields,
    Search,
    chart,
    charts,
    shelf,
)
from llmd.server.web.routes.users import CHANGED

_DAY = 86_400
_TERMS = (7, 30, 90, 365)
"""Days after which a key may end, to choose from."""


class OrderKey(LimitFields, frozen=True, kw_only=True):
    """The form that makes a key."""

    name: str = ""
    user: str = ""
    """Id of the account it acts for; empty: of none."""
    scopes: frozenset[Scope] = frozenset()
    days: Annotated[float, Meta(gt=0, le=36_500)] | None = None
    """After which it ends; empty: it does not."""


class Change(msgspec.Struct, frozen=True):
    """A form that changes one thing; the other is left out."""

    enabled: bool | None = None


class Name(msgspec.Struct, frozen=True):
    """The form that says what a key is for; empty: nothing."""

    name: str = ""


class Row(msgspec.Struct, frozen=True):
    """A row of the list."""

    key: ApiKey
    user: User | None
    chart: Chart


async def show(request: web.Request) -> web.Response:
    """Show all keys."""
    users = await request.app[SERVICES].users.list()
    offered = [
        {"user": user, "scopes": " ".join(sorted(of_role(user.role)))}
        for user in users
        if user.enabled
    ]
    return await page(
        request,
        "admin/keys.html",
        offered=offered,
        wanted=request.query.get("user", ""),
        scopes=list(Scope),
        terms=_TERMS,
        **await _list(request),
    )


async def rows(request: web.Request) -> web.Response:
    """Show those keys that are looked for."""
    return await fragment(request, "admin/people/keys.html", **await _list(request))


async def one(request: web.Request) -> web.Response:
    """Show one key."""
    return await page(request, "admin/key.html", **await _card(request))


async def add(request: web.Request) -> web.Response:
    """Make a key; the answer alone has its secret."""
    order = await read_fields(request, OrderKey)
    if not order.scopes:
        raise InvalidRequest(
            "A key without scopes may do nothing.", hint="Choose one at least.", param="scopes"
        )
    end = None if order.days is None else time.time() + order.days * _DAY
    made = await request.app[SERVICES].keys.create(
        order.user, order.name, order.scopes, end, order.allowance, by=request[CALLER]
    )
    response = await fragment(
        request,
        "admin/people/secret.html",
        made=made,
        example=_example(f"{request.scheme}://{request.host}", made),
    )
    response.headers["HX-Trigger"] = CHANGED
    return response


def _example(address: str, made: NewKey) -> str:
    """Return a command that shows the key to be good."""
    shown = f"-H 'Authorization: Bearer {made.secret}'"
    if Scope.GENERATE not in made.key.scopes:
        return f"curl {address}/v1/models {shown}"
    return (
        f"curl {address}/v1/chat/completions \\\n  {shown} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        """  -d '{"messages": [{"role": "user", "content": "What is the capital of France?"}]}'"""
    )


async def change(request: web.Request) -> web.Response:
    """Disable and enable."""
    enabled = (await read_fields(request, Change)).enabled
    return await _update(request, KeyChanges(enabled=enabled))


async def rename(request: web.Request) -> web.Response:
    """Say what it is for."""
    changes = KeyChanges(name=(await read_fields(request, Name)).name)
    key = await request.app[SERVICES].keys.update(
        request.match_info["id"], changes, by=request[CALLER]
    )
    return replies.to(f"/admin/keys/{key.id}")


async def limit(request: web.Request) -> web.Response:
    """Change limits."""
    limits = (await read_fields(request, LimitFields)).allowance
    return await _update(request, KeyChanges(limits=limits))


async def remove(request: web.Request) -> web.Response:
    """Forget a key, and go back to the others."""
    await request.app[SERVICES].keys.remove(request.match_info["id"], by=request[CALLER])
    return replies.to("/admin/keys")


async def _update(request: web.Request, changes: KeyChanges) -> web.Response:
    await request.app[SERVICES].keys.update(request.match_info["id"], changes, by=request[CALLER])
    return await fragment(request, "admin/people/key.html", **await _card(request))


async def _list(request: web.Request) -> dict[str, Any]:
    services, wish = request.app[SERVICES], read_query(request, Search)
    users = {user.id: user for user in await services.users.list()}
    # the newest is what somebody looks for who has just made one
    all_keys = (await services.keys.list())[::-1]
    found = [key for key in all_keys if _fits(key, users.get(key.user), folded(wish.words))]
    shown, now = shelf(found, wish.page), time.time()
    drawn = charts(await services.usage.days_of_all("key", DAYS), now)
    nothing = chart((), now)
    return {
        "rows": [
            Row(key, users.get(key.user), drawn.get(f"key:{key.id}", nothing)) for key in shown.rows
        ],
        "shelf": shown,
        "words": wish.words,
        "empty": not all_keys,
        "mode": str(services.access.mode),
        "defaults": services.limits.defaults,
        "now": now,
    }


async def _card(request: web.Request) -> dict[str, Any]:
    services = request.app[SERVICES]
    key = await services.keys.get(request.match_info["id"])
    used = await services.usage.days(f"key:{key.id}", DAYS)
    return {
        "key": key,
        "user": await services.users.get(key.user) if key.user else None,
        "uses": services.limits.uses(f"key:{key.id}", key.limits),
        "default": services.limits.defaults["key"],
        "chart": chart(used, time.time()),
        "own": request[CALLER].key == key.id,
        "now": time.time(),
    }


def _fits(key: ApiKey, user: User | None, words: str) -> bool:
    texts = (key.name, key.prefix, user.name if user else "")
    return any(words in folded(text) for text in texts)


ROUTES = (
    get("/admin/keys", show, Scope.ADMIN),
    get("/admin/keys/{id}", one, Scope.ADMIN),
    get("/web/keys", rows, Scope.ADMIN),
    post("/web/keys", add, Scope.ADMIN),
    post("/web/keys/{id}", change, Scope.ADMIN),
    post("/web/keys/{id}/name", rename, Scope.ADMIN),
    post("/web/keys/{id}/limits", limit, Scope.ADMIN),
    delete("/web/keys/{id}", remove, Scope.ADMIN),
)
