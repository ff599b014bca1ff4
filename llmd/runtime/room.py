"""Memory as the pool sees it: what models take, whether it has come back, and the error that says
there is not enough.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from llmd.errors import NoRoom
from llmd.protocol.models import LoadedModel, ModelState
from llmd.protocol.placement import DeviceRoom, DeviceUse, Plan
from llmd.runtime.planning import Planner, freed
from llmd.runtime.residence import Residence
from llmd.runtime.residency import Needs

MAIN_MEMORY = "CPU"

_BACK_WITHIN = 3.0
"""Seconds that a driver may take to give memory back after a process ended."""
_LOOK_EVERY = 0.1
_NEARLY = 0.9
"""A tenth may have gone to others meanwhile."""


def in_memory(places: Iterable[Residence]) -> list[LoadedModel]:
    """Return the models that take memory."""
    found = [place.describe() for place in places]
    return [model for model in found if model.state is not ModelState.WAITING]


async def returned(
    planner: Planner,
    places: Iterable[Residence],
    uses: Iterable[DeviceUse],
    before: Sequence[DeviceRoom],
) -> None:
    """Wait until devices have their memory back; that of processes is back when they end."""
    places = list(places)
    expected = {
        room.device: room.free for room in freed(before, uses) if room.device != MAIN_MEMORY
    }
    deadline = time.monotonic() + _BACK_WITHIN
    while expected and time.monotonic() < deadline:
        rooms = await planner.rooms(in_memory(places))
        now = {room.device: room.free for room in rooms}
        if all(now.get(device, 0) >= _NEARLY * free for device, free in expected.items()):
            return
        await asyncio.sleep(_LOOK_EVERY)


def needs(uses: Iterable[DeviceUse], instances: int) -> Needs:
    """Return what so many workers take together, by device."""
    total: dict[str, int] = {}
    for use in uses:
        total[use.device] = total.get(use.device, 0) + use.parts.total * instances
    return total


def no_room(plan: Plan) -> NoRoom:
    """Return the error that tells of a plan that does not fit."""
    wanted = needs(plan.uses, 1)
    return NoRoom(
        plan.problem or f"There is no room for {plan.model}.",
        hint=" ".join(remedy.text for remedy in plan.remedies)
        or "Close other programs, or pull a smaller quantisation.",
        needed=sum(wanted.values()),
        available=sum(room.free for room in plan.rooms),
    )
