"""Deployments: those under way live, those that were, and how one is begun and ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from llmd.protocol.callers import Scope
from llmd.protocol.deployments import (
    Deployment,
    DeploymentOptions,
    DeploymentOrder,
    DeploymentStatus,
)
from llmd.protocol.feed import Snapshot
from llmd.protocol.models import ModelState
from llmd.server.http.body import read_query
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.http.route import get, post
from llmd.server.web import replies
from llmd.server.web.forms import read_fields
from llmd.server.web.live import Region
from llmd.server.web.pages import SITE, fragment, page, said
from llmd.server.web.routes.watching import LIVE
from llmd.services.bundle import Services

_SHOWN = 20
_USUAL = ("int4", "int8", "fp16", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
_GONE = frozenset({ModelState.UNLOADING, ModelState.WAITING})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a new deployment."""

    model_type: Annotated[str, Meta(min_length=1, max_length=512)]
    model_size: Annotated[str, Meta(max_length=64)] = ""
    quantization: Annotated[str, Meta(max_length=64)] = ""
    max_batch_size: Annotated[int, Meta(ge=1, le=256)] | None = None
    flash_attention: Literal["on", "off"] | None = None
    tensor_parallel_size: Annotated[int, Meta(ge=1, le=64)] | None = None
    cpu_offload: Literal["on", "off"] | None = None

    def native(self) -> DeploymentOrder:
        """Return it as the service takes it."""
        return DeploymentOrder(
            model_type=self.model_type.strip(),
            model_size=self.model_size.strip(),
            quantization=self.quantization.strip(),
            deployment_config=DeploymentOptions(
                max_batch_size=self.max_batch_size,
                use_flash_attention=_switched(self.flash_attention),
                tensor_parallel_size=self.tensor_parallel_size,
                cpu_offload=_switched(self.cpu_offload),
            ),
        )


class Unload(msgspec.Struct, frozen=True):
    """The form that ends a deployment."""

    model: str
    force: bool = False
    """Whether answers under way are broken off."""


class Part(msgspec.Struct, frozen=True):
    """Which of the ended ones are wanted."""

    skip: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    services, snapshot = request.app[SERVICES], await request.app[LIVE].now()
    known = await services.catalog.find([])
    here = [model.name for model in await services.library.models()]
    facts: dict[str, Any] = {**under_way(services, snapshot), **await _ended(request, 0)}
    return await page(
        request,
        "admin/deployments.html",
        names=sorted({offer.alias for offer in known.models} | {*here}),
        types=_USUAL,
        **facts,
    )


async def ended(request: web.Request) -> web.Response:
    """Return the deployments that are over, newest first."""
    skip = read_query(request, Part).skip
    return await fragment(request, "admin/deployments_ended.html", **await _ended(request, skip))


async def _ended(request: web.Request, skip: int) -> dict[str, object]:
    services = request.app[SERVICES]
    found = await services.deployments.list(skip, _SHOWN + 1)
    over = [one for one in found[:_SHOWN] if one.status is not DeploymentStatus.IN_PROGRESS]
    return {
        "ended": over,
        "loaded": _loaded(services),
        "following": skip + _SHOWN if len(found) > _SHOWN else None,
        "first": skip == 0,
        "repeat": repeat,
        "ordered": ordered,
    }


async def deploy(request: web.Request) -> web.Response:
    """Begin a deployment."""
    order = (await read_fields(request, Order)).native()
    begun = await request.app[SERVICES].deployments.deploy(request[CALLER], order)
    t = said(request, await request.app[SITE].get())
    return replies.done(t("deployments.begun", model=begun.model_id))


async def unload(request: web.Request) -> web.Response:
    """Take a model out of memory, or cancel its deployment."""
    asked = await read_fields(request, Unload)
    removal = await request.app[SERVICES].deployments.unload(asked.model, force=asked.force)
    t = said(request, await request.app[SITE].get())
    return replies.done(t(f"deployments.is_{removal.status}", model=removal.model_id))


def under_way(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what the living part of the page shows."""
    del services
    return {"jobs": snapshot.deployments, "ends": _ends, "ordered": ordered}


def standing(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what the list of ended ones depends on: the page fetches it anew when that changes."""
    return {"ids": [job.id for job in snapshot.deployments], "loaded": sorted(_loaded(services))}


def ordered(job: Deployment) -> str:
    """Return what was asked for, in short."""
    order = job.order
    said_so = (order.model_type, order.model_size, order.quantization)
    return " · ".join(part for part in said_so if part)


def repeat(job: Deployment) -> str:
    """Return the fields of a form that orders the same again, as JSON."""
    order, config = job.order, job.order.deployment_config
    fields = {
        "model_type": order.model_type,
        "model_size": order.model_size,
        "quantization": order.quantization,
        "max_batch_size": config.max_batch_size,
        "flash_attention": _switch(config.use_flash_attention),
        "tensor_parallel_size": config.tensor_parallel_size,
        "cpu_offload": _switch(config.cpu_offload),
    }
    sent = {name: value for name, value in fields.items() if value not in {None, ""}}
    return msgspec.json.encode(sent).decode()


def _ends(job: Deployment) -> int | None:
    """Return when it may be done, told coarsely so that it does not change with every look."""
    if job.estimated_completion is None or job.estimated_completion < time.time():
        return None
    return round(job.estimated_completion / 5) * 5


def _loaded(services: Services) -> set[str]:
    return {model.name for model in services.residents.models() if model.state not in _GONE}


def _switched(text: str | None) -> bool | None:
    return None if text is None else text == "on"


def _switch(value: bool | None) -> str | None:  # noqa: FBT001  as the options have it
    return None if value is None else "on" if value else "off"


REGIONS = (
    Region(
        name="deployments",
        template="admin/deployments_live.html",
        facts=under_way,
        scope=Scope.MODELS_READ,
    ),
    Region(name="deployments-standing", facts=standing, scope=Scope.MODELS_READ),
)
ROUTES = (
    get("/admin/deployments", show, Scope.MODELS_READ),
    get("/web/deployments", ended, Scope.MODELS_READ),
    post("/web/deployments", deploy, Scope.MODELS_WRITE),
    post("/web/deployments/unload", unload, Scope.MODELS_WRITE),
)
