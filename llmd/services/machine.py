"""This machine: what it is called, and the devices that models run on."""

from __future__ import annotations

import asyncio
import socket

from llmd.protocol.models import LoadedModel
from llmd.protocol.placement import DeviceRoom
from llmd.runtime.planning import Planner
from llmd.runtime.pool import Pool
from llmd.runtime.processor import processor
from llmd.runtime.room import MAIN_MEMORY


class Machine:
    """The node that this daemon is."""

    def __init__(self, planner: Planner, pool: Pool, node: str | None = None) -> None:
        self._planner = planner
        self._pool = pool
        self.node = node or socket.gethostname() or "local"
        """Its host name."""
        self._names: dict[str, str] = {}

    async def rooms(self) -> list[DeviceRoom]:
        """Return the devices and what is free of them, the CPU last."""
        return await self._planner.rooms(self._pool.loaded())

    async def hardware(self, model: LoadedModel) -> str:
        """Return the names of the devices that hold a loaded model's weights."""
        held = [use.device for use in model.measured or model.predicted if use.parts.weights]
        devices = list(dict.fromkeys(held)) or [model.device]
        return " + ".join([await self._called(device) for device in devices])

    async def _called(self, device: str) -> str:
        if device not in self._names:
            self._names[device] = await self._look(device)
        return self._names[device]

    async def _look(self, device: str) -> str:
        if device == MAIN_MEMORY:
            return await asyncio.to_thread(processor)
        rooms = await self.rooms()
        found = next((room.description for room in rooms if room.device == device), "")
        return found or device
