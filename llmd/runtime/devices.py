"""The devices of this machine as rooms for models: who has how much left.

A process of its own looks through llama.cpp's eyes, see worker/devices.py: once for what there is,
and again, at most every few seconds, where that is the only way to learn what is free. Main memory
is looked at each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Collection

import msgspec
import structlog

from llmd.protocol.devices import Gpu, Sighting
from llmd.protocol.placement import DeviceRoom
from llmd.runtime.main_memory import MainMemory, main_memory
from llmd.runtime.nvidia import Usage, usage

CPU = "CPU"

_FRESH = 3.0
"""Seconds that figures from another process hold."""
_MISSED = 300.0
"""Seconds after which a machine without GPUs is looked at again; some are plugged in."""
_WALL_SECONDS = 20.0
"""A driver that takes longer is stuck."""

Look = Callable[[str, Collection[int]], Usage | None]


class Devices:
    """Looks at devices."""

    def __init__(self, memory: Callable[[], MainMemory] = main_memory, gpu: Look = usage) -> None:
        self._memory = memory
        self._gpu = gpu
        self._seen = Sighting([], "")
        self._seen_at = float("-inf")
        self._told: set[str] = set()
        """GPUs of which the driver's own library tells what is free."""
        self._turn = asyncio.Lock()
        self._log = structlog.get_logger("devices")

    async def features(self) -> str:
        """Return what llama.cpp was built with and what the CPU can do; empty: not known."""
        return (await self._sighting()).features

    async def rooms(self, ours: Collection[int] = ()) -> list[DeviceRoom]:
        """Return all devices, the CPU last, and what nobody uses of them; `ours` are the ids of our
        worker processes.
        """
        seen = await self._sighting()
        gpus = [await self._room(gpu, ours) for gpu in seen.gpus]
        memory = self._memory()
        return [*gpus, DeviceRoom(device=CPU, total=memory.total, free=memory.free)]

    async def _room(self, gpu: Gpu, ours: Collection[int]) -> DeviceRoom:
        told = await asyncio.to_thread(self._gpu, gpu.bus, ours) if gpu.bus else None
        (self._told.add if told else self._told.discard)(gpu.name)
        return DeviceRoom(
            device=gpu.name,
            total=told.total if told else gpu.total,
            free=told.free if told else gpu.free,
            description=gpu.description,
            others=told.others if told else None,
        )

    async def _sighting(self) -> Sighting:
        async with self._turn:
            if time.monotonic() - self._seen_at > self._lasts():
                self._seen = await self._look() or self._seen
                self._seen_at = time.monotonic()
            return self._seen

    def _lasts(self) -> float:
        """Return the seconds for which what was seen holds."""
        known = all(gpu.name in self._told for gpu in self._seen.gpus)
        return _MISSED if known else _FRESH

    async def _look(self) -> Sighting | None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "llmd.runtime.worker.devices"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), _WALL_SECONDS)
            return msgspec.json.decode(out, type=Sighting)
        except (TimeoutError, msgspec.MsgspecError):
            self._log.warning("devices cannot be looked at", code=process.returncode)
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
