"""The first page of the administration: figures as they come, and what deserves a warning.

Charts begin with the two minutes that the daemon remembers, and are told one moment after the other
then; all else is filled anew where it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from llmd.config.networks import is_loopback
from llmd.config.settings import AuthMode
from llmd.protocol import amounts
from llmd.protocol.callers import Scope
from llmd.protocol.feed import ModelHistory, Snapshot
from llmd.protocol.models import LoadedModel
from llmd.protocol.placement import DeviceUse, Parts
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get
from llmd.server.web.live import Region
from llmd.server.web.pages import page
from llmd.server.web.routes.watching import LIVE
from llmd.services.bundle import Services

_LITTLE_DISK = 5 * 10**9
"""Bytes below which the next model may not find room."""
_MUCH_MEMORY = 0.95
_NEARLY = 0.05
"""Share by which a figure may differ from another one and be told as the same."""


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    services, snapshot = request.app[SERVICES], await request.app[LIVE].now()
    facts: dict[str, Any] = {**warnings(services, snapshot), **live(services, snapshot)}
    return await page(request, "admin/overview.html", **facts)


def live(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what the parts of the page show."""
    del services
    return {
        "snapshot": snapshot,
        "daemon": snapshot.status,
        "share": amounts.share,
        "devices": devices,
        "compared": compared,
        "shares": shares,
    }


def devices(model: LoadedModel) -> list[tuple[str, DeviceUse | None, DeviceUse | None]]:
    """Return each device of a model, with what was predicted and what is taken of it."""
    planned = {use.device: use for use in model.predicted}
    taken = {use.device: use for use in model.measured}
    return [(name, planned.get(name), taken.get(name)) for name in {**planned, **taken}]


def pieces(bytes_: Parts) -> list[tuple[str, int]]:
    """Return what bytes are for, and how many those are."""
    all_parts = ((name, getattr(bytes_, name)) for name in bytes_.__struct_fields__)
    return [(name, size) for name, size in all_parts if size]


def compared(
    planned: DeviceUse | None, taken: DeviceUse | None
) -> list[tuple[str, int, int | None]]:
    """Return what bytes of a device are for, with how many are taken, and how many were predicted
    where that is another figure; of what is not measured yet all that is predicted counts.
    """
    expected = dict(pieces(planned.parts)) if planned else {}
    real = dict(pieces(taken.parts)) if taken else expected
    names = [name for name in Parts.__struct_fields__ if name in real or name in expected]
    return [
        (name, real.get(name, 0), _else(expected.get(name, 0), real.get(name, 0))) for name in names
    ]


def _else(expected: int, real: int) -> int | None:
    return expected if expected and abs(expected - real) > _NEARLY * expected else None


def shares(bytes_: Parts, whole: int) -> list[tuple[float, str]]:
    """Return the pieces of a bar that is `whole` bytes long."""
    return [(amounts.share(size, whole), f"p-{name}") for name, size in pieces(bytes_)]


def past(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what charts begin with."""
    del services
    return {"history": snapshot.history, **_whole(snapshot)}


def figures(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Return the latest moment of the charts."""
    del services
    latest = {name: _latest(one) for name, one in snapshot.history.models.items()}
    return {
        "at": snapshot.at,
        "cpu": round(snapshot.machine.cpu, 1),
        "memory_used": snapshot.machine.memory_used,
        "models": latest,
        **_whole(snapshot),
    }


def _latest(history: ModelHistory) -> dict[str, float | None]:
    return {field: getattr(history, field)[-1] for field in history.__struct_fields__}


def _whole(snapshot: Snapshot) -> Mapping[str, object]:
    """Return what shares are taken of."""
    cells = {model.name: model.kv_tokens for model in snapshot.models}
    return {"memory_total": snapshot.machine.memory_total, "cells": cells}


def warnings(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what somebody should look after."""
    del services
    status, machine = snapshot.status, snapshot.machine
    open_mode = status.security == AuthMode.OPEN
    disk = machine.disk
    return {
        "draining": status.state == "draining",
        "exposed": open_mode and not is_loopback(urlsplit(status.address).hostname or "localhost"),
        "disk_left": disk.free if disk.total and disk.free < _LITTLE_DISK else None,
        "memory_full": amounts.share(machine.memory_used, machine.memory_total) > _MUCH_MEMORY,
        "failures": status.failures,
    }


def _part(name: str) -> Region:
    return Region(name=f"overview-{name}", template=f"admin/overview_{name}.html", facts=live)


REGIONS = (
    Region(name="overview-past", facts=past, once=True),
    Region(name="overview-figures", facts=figures),
    Region(name="overview-warnings", template="admin/overview_warnings.html", facts=warnings),
    _part("models"),
    _part("work"),
    _part("machine"),
    _part("daemon"),
)
ROUTES = (get("/admin", show, Scope.METRICS),)
