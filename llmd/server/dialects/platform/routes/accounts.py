"""Users, API keys and logins."""

from __future__ import annotations

from aiohttp import web

from llmd.server.dialects.platform import convert, schema
from llmd.server.dialects.platform.routes.answers import enveloped
from llmd.server.http.body import read_json, read_query
from llmd.server.http.keys import CALLER, SERVICES


async def list_users(request: web.Request) -> web.Response:
    """List users by name."""
    page = read_query(request, schema.Page)
    found = await request.app[SERVICES].users.list()
    return enveloped(convert.listing(found, page, convert.user))


async def create_user(request: web.Request) -> web.Response:
    """Make an account."""
    order = await read_json(request, schema.NewUser)
    limits = convert.allowance(order.limits)
    made = await request.app[SERVICES].users.create(
        order.username, order.password, order.role, limits, by=request[CALLER]
    )
    return enveloped(convert.user(made))


async def show_user(request: web.Request) -> web.Response:
    """Describe a user."""
    found = await request.app[SERVICES].users.get(request.match_info["userId"])
    return enveloped(convert.user(found))


async def change_user(request: web.Request) -> web.Response:
    """Rename a user, change password, role or limits, disable or enable."""
    order = await read_json(request, schema.UserChange)
    users = request.app[SERVICES].users
    known = await users.get(request.match_info["userId"])
    changes = convert.user_changes(order, known.limits)
    changed = await users.update(known.id, changes, by=request[CALLER])
    return enveloped(convert.user(changed))


async def list_keys(request: web.Request) -> web.Response:
    """List API keys, the oldest first."""
    page = read_query(request, schema.Page)
    found = await request.app[SERVICES].keys.list()
    return enveloped(convert.listing(found, page, convert.key))


async def create_key(request: web.Request) -> web.Response:
    """Make an API key; nobody can have its secret later."""
    order = await read_json(request, schema.NewKey)
    made = await request.app[SERVICES].keys.create(
        order.user_id or "",
        order.name,
        order.scopes,
        order.expires_at.timestamp() if order.expires_at else None,
        convert.allowance(order.limits),
        by=request[CALLER],
    )
    return enveloped(convert.created_key(made.key, made.secret))


async def change_key(request: web.Request) -> web.Response:
    """Disable or enable an API key, rename it, or change its limits."""
    order = await read_json(request, schema.KeyChange)
    keys = request.app[SERVICES].keys
    known = await keys.get(request.match_info["keyId"])
    changes = convert.key_changes(order, known.limits)
    changed = await keys.update(known.id, changes, by=request[CALLER])
    return enveloped(convert.key(changed))


async def remove_key(request: web.Request) -> web.Response:
    """Forget an API key; it stops to count at once."""
    await request.app[SERVICES].keys.remove(request.match_info["keyId"], by=request[CALLER])
    return enveloped(None)


async def login(request: web.Request) -> web.Response:
    """Give tokens for a name and a password."""
    order = await read_json(request, schema.Login)
    address = request[CALLER].address
    pair = await request.app[SERVICES].login.login(order.username, order.password, address)
    return enveloped(pair)


async def refresh(request: web.Request) -> web.Response:
    """Give new tokens for a refresh token, which counts once."""
    order = await read_json(request, schema.Refresh)
    address = request[CALLER].address
    return enveloped(await request.app[SERVICES].login.refresh(order.refresh_token, address))


async def logout(request: web.Request) -> web.Response:
    """End a login."""
    order = await read_json(request, schema.Refresh)
    await request.app[SERVICES].login.logout(order.refresh_token)
    return enveloped(None)
