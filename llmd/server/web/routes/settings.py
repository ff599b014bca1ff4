"""All settings, where each comes from, and how to change it."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import delete, get, post
from llmd.server.web.forms import read_fields
from llmd.server.web.pages import fragment, page
from llmd.services.settings import DEFAULT, Setting, Sheet


class Value(msgspec.Struct, frozen=True):
    """The form of one setting."""

    value: str = ""


async def show(request: web.Request) -> web.Response:
    """Show all settings by section."""
    sheet = await request.app[SERVICES].settings.sheet()
    sections: dict[str, list[Setting]] = {}
    for setting in sheet.settings.values():
        sections.setdefault(setting.about.section, []).append(setting)
    return await page(request, "admin/settings.html", sections=sections, **_facts(sheet))


async def change(request: web.Request) -> web.Response:
    """Write a value."""
    value = (await read_fields(request, Value)).value
    await request.app[SERVICES].settings.change(_key(request), value, by=request[CALLER])
    return await _row(request)


async def reset(request: web.Request) -> web.Response:
    """Take a value out of the file."""
    await request.app[SERVICES].settings.reset(_key(request), by=request[CALLER])
    return await _row(request)


async def _row(request: web.Request) -> web.Response:
    sheet = await request.app[SERVICES].settings.sheet()
    setting = sheet.settings[_key(request)]
    return await fragment(request, "admin/settings/changed.html", setting=setting, **_facts(sheet))


def _facts(sheet: Sheet) -> dict[str, Any]:
    return {
        "where": sheet.path,
        "pending": sheet.pending,
        "faults": sheet.faults,
        "DEFAULT": DEFAULT,
    }


def _key(request: web.Request) -> str:
    return request.match_info["key"]


ROUTES = (
    get("/admin/settings", show, Scope.ADMIN),
    post("/web/settings/{key}", change, Scope.ADMIN),
    delete("/web/settings/{key}", reset, Scope.ADMIN),
)
