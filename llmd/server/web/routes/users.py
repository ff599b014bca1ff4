"""Accounts: who has one, what they may do, and what they use."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import msgspec
from aiohttp import web

from llmd.errors import InvalidRequest
from llmd.protocol.accounts import User, UserChanges
from llmd.protocol.callers import Role, Scope
from llmd.security.naming import folded, make_password
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

CHANGED = "llmd:people"
"""Event that has the list behind a dialog loaded anew."""


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of a form that say a password, or that one shall be made."""

    password: str = ""
    again: str = ""
    made: bool = False


class NewUser(LimitFields, frozen=True, kw_only=True):
    """The form that adds somebody."""

    name: str = ""
    role: Role = Role.USER
    password: str = ""
    again: str = ""
    made: bool = False


class Change(msgspec.Struct, frozen=True):
    """A form that changes one thing; the other is left out."""

    role: Role | None = None
    enabled: bool | None = None


class Name(msgspec.Struct, frozen=True):
    """The form that gives another name."""

    name: str = ""


class Person(msgspec.Struct, frozen=True):
    """A row of the list."""

    user: User
    keys: int
    chart: Chart


async def show(request: web.Request) -> web.Response:
    """Show all accounts."""
    return await page(request, "admin/users.html", **await _list(request))


async def rows(request: web.Request) -> web.Response:
    """Show those accounts that are looked for."""
    return await fragment(request, "admin/people/users.html", **await _list(request))


async def one(request: web.Request) -> web.Response:
    """Show one account."""
    return await page(request, "admin/user.html", **await _card(request))


async def add(request: web.Request) -> web.Response:
    """Make an account; the answer alone has a password that was made."""
    order = await read_fields(request, NewUser)
    password = _password(order)
    user = await request.app[SERVICES].users.create(
        order.name, password, order.role, order.allowance, by=request[CALLER]
    )
    return await _told(request, user, password if order.made else "", "people.users.made")


async def change(request: web.Request) -> web.Response:
    """Change a role, disable and enable."""
    changes = await read_fields(request, Change)
    return await _update(request, UserChanges(role=changes.role, enabled=changes.enabled))


async def rename(request: web.Request) -> web.Response:
    """Give another name."""
    changes = UserChanges(name=(await read_fields(request, Name)).name)
    user = await request.app[SERVICES].users.update(
        request.match_info["id"], changes, by=request[CALLER]
    )
    return replies.to(f"/admin/users/{user.id}")


async def limit(request: web.Request) -> web.Response:
    """Change limits."""
    limits = (await read_fields(request, LimitFields)).allowance
    return await _update(request, UserChanges(limits=limits))


async def set_password(request: web.Request) -> web.Response:
    """Give another password."""
    order = await read_fields(request, Secret)
    password = _password(order)
    user = await request.app[SERVICES].users.update(
        request.match_info["id"], UserChanges(password=password), by=request[CALLER]
    )
    shown = password if order.made else ""
    return await _told(request, user, shown, "people.users.password_made")


async def remove(request: web.Request) -> web.Response:
    """Forget an account, and go back to the others."""
    await request.app[SERVICES].users.remove(request.match_info["id"], by=request[CALLER])
    return replies.to("/admin/users")


async def _update(request: web.Request, changes: UserChanges) -> web.Response:
    await request.app[SERVICES].users.update(request.match_info["id"], changes, by=request[CALLER])
    return await fragment(request, "admin/people/user.html", **await _card(request))


async def _told(request: web.Request, user: User, secret: str, title: str) -> web.Response:
    response = await fragment(
        request, "admin/people/password.html", user=user, secret=secret, title=title
    )
    response.headers["HX-Trigger"] = CHANGED
    return response


def _password(order: Secret | NewUser) -> str:
    if order.made:
        return make_password()
    if order.password != order.again:
        raise InvalidRequest(
            "The two passwords differ.", hint="Type the same one twice.", param="again"
        )
    return order.password


async def _list(request: web.Request) -> dict[str, Any]:
    services, wish = request.app[SERVICES], read_query(request, Search)
    everybody = await services.users.list()
    words = folded(wish.words)
    found = [user for user in everybody if words in folded(user.name)]
    shown = shelf(found, wish.page)
    keys = Counter(key.user for key in await services.keys.list())
    drawn = charts(await services.usage.days_of_all("user", DAYS), time.time())
    nothing = chart((), time.time())
    persons = [
        Person(user, keys[user.id], drawn.get(f"user:{user.id}", nothing)) for user in shown.rows
    ]
    return {
        "persons": persons,
        "shelf": shown,
        "words": wish.words,
        "empty": not everybody,
        "administered": any(user.role is Role.ADMIN and user.enabled for user in everybody),
        "mode": str(services.access.mode),
        "defaults": services.limits.defaults,
    }


async def _card(request: web.Request) -> dict[str, Any]:
    services = request.app[SERVICES]
    user = await services.users.get(request.match_info["id"])
    used = await services.usage.days(f"user:{user.id}", DAYS)
    return {
        "user": user,
        "uses": services.limits.uses(f"user:{user.id}", user.limits),
        "default": services.limits.defaults["user"],
        "chart": chart(used, time.time()),
        "keys": await services.keys.list(user.id),
        "own": request[CALLER].user == user.id,
        "now": time.time(),
    }


ROUTES = (
    get("/admin/users", show, Scope.ADMIN),
    get("/admin/users/{id}", one, Scope.ADMIN),
    get("/web/users", rows, Scope.ADMIN),
    post("/web/users", add, Scope.ADMIN),
    post("/web/users/{id}", change, Scope.ADMIN),
    post("/web/users/{id}/name", rename, Scope.ADMIN),
    post("/web/users/{id}/limits", limit, Scope.ADMIN),
    post("/web/users/{id}/password", set_password, Scope.ADMIN),
    delete("/web/users/{id}", remove, Scope.ADMIN),
)
