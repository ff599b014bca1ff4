"""What the workers of one model are, do and take together."""

from __future__ import annotations

import msgspec
import psutil

from llmd.protocol.models import Activity
from llmd.protocol.placement import DeviceUse, Parts

CPU = "CPU"


def together(activities: list[Activity]) -> Activity:
    """Return what several engines do as one; who comes now waits for the quickest of them."""
    if len(activities) == 1:
        return activities[0]
    summed = {
        name: sum(getattr(one, name) for one in activities)
        for name in Activity.__struct_fields__
        if name not in {"estimated_wait", "draft_acceptance"}
    }
    drafted, accepted = summed["drafted_tokens"], summed["accepted_tokens"]
    return Activity(
        **summed,
        estimated_wait=min(one.estimated_wait for one in activities),
        draft_acceptance=round(accepted / drafted, 4) if drafted else None,
    )


def summed(uses: list[DeviceUse]) -> list[DeviceUse]:
    """Return one entry for each device."""
    found: dict[str, DeviceUse] = {}
    for use in uses:
        other = found.get(use.device)
        if other is None:
            found[use.device] = use
            continue
        parts = {
            part: getattr(use.parts, part) + getattr(other.parts, part)
            for part in Parts.__struct_fields__
        }
        found[use.device] = DeviceUse(
            device=use.device, parts=Parts(**parts), mapped=use.mapped + other.mapped
        )
    return list(found.values())


def filled(uses: list[DeviceUse], caches: int) -> list[DeviceUse]:
    """Return what is taken while the caches, which lie in main memory, hold so many bytes."""
    return [
        msgspec.structs.replace(
            use,
            parts=msgspec.structs.replace(use.parts, caches=caches if use.device == CPU else 0),
        )
        for use in uses
    ]


def times(use: DeviceUse, count: int) -> DeviceUse:
    """Return what so many workers take."""
    if count == 1:
        return use
    parts = {part: count * getattr(use.parts, part) for part in Parts.__struct_fields__}
    return DeviceUse(device=use.device, parts=Parts(**parts), mapped=count * use.mapped)


def resident(pid: int) -> int:
    """Return the resident set of a process in bytes; 0 when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else 0
    except psutil.Error:
        return 0
