"""Models, entries of the catalogue, plans and pages over a fake daemon, for tests of the terminal interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from textual.pilot import Pilot

from llmd.config.paths import find_paths
from llmd.protocol.catalog import Fit, Offer, Offers, Variant
from llmd.protocol.feed import Snapshot
from llmd.protocol.models import Kind, LoadedModel, ModelManifest, ModelState, SamplingDefaults
from llmd.tui.app import LlmdApp
from llmd.tui.dialogs import load
from llmd.tui.screens import models
from tests.fakes.control import FakeControl

GB = 10**9
_STAYS = 2
"""Rounds in which nothing is drawn anew."""


def manifest(name: str = "llmd-tiny", **fields: Any) -> ModelManifest:
    """A registered model."""
    plain: dict[str, Any] = {
        "path": f"/models/{name}.gguf",
        "source": "builtin",
        "kind": Kind.CHAT,
        "architecture": "qwen2",
        "parameters": 4_200_000,
        "quantization": "Q8_0",
        "size": 4_600_000,
        "context_length": 2048,
        "added": 0.0,
        "owned": False,
    }
    return ModelManifest(name=name, **{**plain, **fields})


def offer(alias: str = "qwen3-4b", **fields: Any) -> Offer:
    """An entry of the catalogue in two sizes, of which Q4_K_M is the usual one."""
    size, fit = fields.get("size", int(2.5 * GB)), fields.get("fit", Fit.YES)
    plain: dict[str, Any] = {
        "also": [f"{alias}-also"],
        "source": f"acme/{alias}-GGUF",
        "kind": Kind.CHAT,
        "parameters": 4_000_000_000,
        "active": 0,
        "license": "Apache-2.0",
        "context": 40960,
        "capabilities": ["chat", "tools"],
        "sampling": SamplingDefaults(),
        "projector": "",
        "draft": "",
        "description": "A good first model for a laptop",
        "tags": ["laptop"],
        "quantization": "Q4_K_M",
        "size": size,
        "fit": fit,
        "variants": [
            Variant(name=alias, quantization="Q4_K_M", size=size, fit=fit),
            Variant(name=f"{alias}:Q8_0", quantization="Q8_0", size=2 * size, fit=Fit.TIGHT),
        ],
        "installed": [],
        "own": False,
    }
    return Offer(alias=alias, **{**plain, **fields})


def loaded(name: str = "llmd-tiny", **fields: Any) -> LoadedModel:
    """A model in memory."""
    plain: dict[str, Any] = {
        "state": ModelState.READY,
        "kind": Kind.CHAT,
        "pid": 7,
        "context_length": 2048,
        "parallel": 16,
        "expires_in": 240.0,
    }
    return LoadedModel(name=name, **{**plain, **fields})


def plan(**fields: Any) -> dict[str, Any]:
    """A plan as the daemon answers it."""
    return {
        "model": "llmd-tiny",
        "fits": True,
        "uses": [{"device": "CPU", "parts": {"weights": GB, "kv_cache": GB // 2}, "mapped": 0}],
        "rooms": [
            {"device": "CPU", "total": 16 * GB, "free": 6 * GB, "description": "", "others": None}
        ],
        "context_length": 2048,
        "parallel": 16,
        "kv_tokens": 32768,
        "kv_type": "f16",
        "layers": 5,
        "notes": [],
        "problem": "",
        "remedies": [],
        "evicted": [],
        "load_seconds": 1.5,
        **fields,
    }


def stocked(
    *, models: list[ModelManifest] | None = None, offers: list[Offer] | None = None
) -> FakeControl:
    """A daemon with the built-in model and a small catalogue."""
    control = FakeControl()
    here = [manifest()] if models is None else models
    away = (
        [
            offer(),
            offer(
                "gemma4-e4b",
                size=5 * GB,
                capabilities=["chat", "vision"],
                description="Sees pictures",
            ),
            offer("llama3.3-70b", size=43 * GB, fit=Fit.NO, description="Large"),
            offer(
                "bge-m3",
                kind=Kind.EMBEDDING,
                capabilities=["embedding"],
                size=GB,
                description="中文和英文",
            ),
        ]
        if offers is None
        else offers
    )
    control.answers["GET /control/models"] = {
        "models": msgspec.to_builtins(here),
        "default": "llmd-tiny",
    }
    control.answers["GET /control/catalog"] = msgspec.to_builtins(Offers(models=away))
    control.answers["GET /control/defaults"] = {
        "defaults": [{"purpose": "chat", "model": "llmd-tiny", "chosen": False}]
    }
    control.answers["POST /control/plan"] = plan()
    for model in here:
        path = f"GET /control/models/{model.name.replace('/', '%2F').replace(':', '%3A')}"
        control.answers[path] = {"abilities": {"tools": True, "reasoning": False}}
    return control


def application(page: str, control: FakeControl, home: Path) -> LlmdApp:
    """The interface at a page, over a fake daemon."""
    app = LlmdApp(find_paths({"LLMD_HOME": str(home)}), page=page, follow=False)
    app.client = control
    return app


@asynccontextmanager
async def shown(
    page: str,
    control: FakeControl,
    home: Path,
    snapshot: Snapshot,
    size: tuple[int, int] = (100, 30),
) -> AsyncIterator[tuple[LlmdApp, Pilot[None]]]:
    """Show a page that a snapshot has come to, and wait until it has settled."""
    app = application(page, control, home)
    with patch.object(models, "_PAUSE", 0.0), patch.object(load, "_PAUSE", 0.0):
        async with app.run_test(size=size) as pilot:
            while not (app.page and app.current_mode == page and app.page.query("KeyLine")):
                await pilot.pause()
            app.arrived(snapshot)
            await settle(pilot)
            yield app, pilot


async def settle(pilot: Pilot[None]) -> None:
    """Wait for what runs in the background, dialogs and jobs apart, and until what is drawn
    stays.
    """
    seen, same = "", 0
    while same < _STAYS:  # what comes of one round may begin another, and draws in the next
        await pilot.pause()
        while any(
            worker.group not in {"link", "jobs"} and not worker.is_finished
            for worker in pilot.app.workers
        ):
            await asyncio.sleep(0.01)
        now = text(pilot)
        seen, same = now, same + 1 if now == seen else 0
    await pilot.pause()


async def ended(pilot: Pilot[None]) -> None:
    """Wait for everything, jobs too."""
    while any(not worker.is_finished for worker in pilot.app.workers):
        await asyncio.sleep(0.01)
    await settle(pilot)


def text(pilot: Pilot[None]) -> str:
    """Return what stands on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)
