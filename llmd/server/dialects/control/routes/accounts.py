"""Users, API keys, and what was noted of them."""

from __future__ import annotations

import time

from aiohttp import web

from llmd.protocol.accounts import ApiKey, KeyChanges, NewKey, User, UserChanges
from llmd.protocol.callers import Scope
from llmd.server.dialects.control import convert, schema
from llmd.server.dialects.control.routes.answers import json
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import delete, get, post


async def list_users(request: web.Request) -> web.Response:
    """List accounts."""
    return json(schema.UserList(await request.app[SERVICES].users.list()))


async def add_user(request: web.Request) -> web.Response:
    """Make an account."""
    order = await read_json(request, schema.NewUser)
    users = request.app[SERVICES].users
    made = await users.create(
        order.name, order.password, order.role, order.limits, by=request[CALLER]
    )
    return json(made)


async def change_user(request: web.Request) -> web.Response:
    """Change an account."""
    changes = await read_json(request, UserChanges)
    users = request.app[SERVICES].users
    user = await users.named(request.match_info["name"])
    return json(await users.update(user.id, changes, by=request[CALLER]))


async def remove_user(request: web.Request) -> web.Response:
    """Forget an account with its keys."""
    users = request.app[SERVICES].users
    user = await users.named(request.match_info["name"])
    await users.remove(user.id, by=request[CALLER])
    return json(schema.Removed(user.name))


async def list_keys(request: web.Request) -> web.Response:
    """List keys, all or those of one user."""
    services = request.app[SERVICES]
    wanted = read_query(request, schema.KeyQuery).user
    user = (await services.users.named(wanted)).id if wanted else ""
    names = {user.id: user.name for user in await services.users.list()}
    found = await services.keys.list(user)
    rows = [schema.KeyRow(key=key, user=names.get(key.user, "")) for key in found]
    return json(schema.KeyList(rows))


async def add_key(request: web.Request) -> web.Response:
    """Make a key; this answer alone has its secret."""
    order = await read_json(request, schema.OrderKey)
    services = request.app[SERVICES]
    user = (await services.users.named(order.user)).id if order.user else ""
    end = None if order.expires_in is None else time.time() + order.expires_in
    made = await services.keys.create(
        user, order.name, order.scopes, end, order.limits, by=request[CALLER]
    )
    return json(made)


async def change_key(request: web.Request) -> web.Response:
    """Change a key."""
    changes = await read_json(request, KeyChanges)
    keys = request.app[SERVICES].keys
    key = await keys.known_as(request.match_info["key"])
    return json(await keys.update(key.id, changes, by=request[CALLER]))


async def remove_key(request: web.Request) -> web.Response:
    """Forget a key."""
    keys = request.app[SERVICES].keys
    key = await keys.known_as(request.match_info["key"])
    await keys.remove(key.id, by=request[CALLER])
    return json(schema.Removed(key.prefix))


async def list_usage(request: web.Request) -> web.Response:
    """List what keys were used for, by the day."""
    query = read_query(request, schema.UsageQuery)
    services = request.app[SERVICES]
    keys = [await services.keys.known_as(query.key)] if query.key else await services.keys.list()
    names = {user.id: user.name for user in await services.users.list()}
    used = await services.usage.days_of_all("key", query.days)
    return json(schema.UsageList(convert.usage(keys, names, used)))


async def list_audit(request: web.Request) -> web.Response:
    """List what was noted, newest first."""
    limit = read_query(request, schema.AuditQuery).limit
    return json(schema.AuditList(await request.app[SERVICES].audit.list(limit)))


_OWNER = Scope.ADMIN

ROUTES = (
    get("/users", list_users, _OWNER, answer=schema.UserList),
    post("/users", add_user, _OWNER, body=schema.NewUser, answer=User),
    post("/users/{name:.+}", change_user, _OWNER, body=UserChanges, answer=User),
    delete("/users/{name:.+}", remove_user, _OWNER, answer=schema.Removed),
    get("/keys", list_keys, _OWNER, query=schema.KeyQuery, answer=schema.KeyList),
    post("/keys", add_key, _OWNER, body=schema.OrderKey, answer=NewKey),
    post("/keys/{key:.+}", change_key, _OWNER, body=KeyChanges, answer=ApiKey),
    delete("/keys/{key:.+}", remove_key, _OWNER, answer=schema.Removed),
    get("/usage", list_usage, _OWNER, query=schema.UsageQuery, answer=schema.UsageList),
    get("/audit", list_audit, _OWNER, query=schema.AuditQuery, answer=schema.AuditList),
)
