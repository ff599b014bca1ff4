"""What may be asked about memory before a model is loaded.

`Planner` is the contract between the pool, which decides what must go, and the planner, which says
how a model is to be loaded and what that takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from llmd.protocol.models import LoadedModel, ModelManifest
from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Plan


class Planner(Protocol):
    """Plans loads; every method may be called at any time and by many at once."""

    async def rooms(self, loaded: Sequence[LoadedModel]) -> list[DeviceRoom]:
        """Return the devices, the CPU last, and what is free of them beside `loaded`: what these
        have claimed without touching it yet does not count as free.
        """
        ...

    async def plan(
        self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
    ) -> Plan:
        """Return how to load a model into `rooms`; where it does not fit, `fits` is False and
        `problem` and `remedies` say why and what would help, and `uses` is the least it takes.

        Raises NotFound or CorruptFile for a file that cannot be read, and InvalidRequest for
        options that contradict each other.
        """
        ...

    async def learn(
        self,
        manifest: ModelManifest,
        options: LoadOptions,
        plan: Plan,
        measured: Sequence[DeviceUse],
        seconds: float,
    ) -> None:
        """Learn what one worker that was loaded as `plan` says really took, for later plans of the
        model; raises nothing.
        """
        ...


def freed(rooms: Iterable[DeviceRoom], uses: Iterable[DeviceUse]) -> list[DeviceRoom]:
    """Return the rooms as they would be without `uses`."""
    back: dict[str, int] = {}
    for use in uses:
        back[use.device] = back.get(use.device, 0) + use.parts.total
    return [
        msgspec.structs.replace(room, free=min(room.total, room.free + back.get(room.device, 0)))
        for room in rooms
    ]
