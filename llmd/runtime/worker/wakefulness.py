"""Notices that the machine slept, and that its GPUs did not all come back.

A clock that runs on while a machine sleeps, and one that does not, drift apart by the time asleep.
A driver that lost its device either says so, or ends the process as soon as it is asked; either way
this worker is over and the daemon starts another one, which plans anew with what is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from llmd.engine.bindings import Device, list_devices, offloads

_NAP = 2.0
"""Seconds that clocks may drift apart without it meaning anything."""
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)

Look = Callable[[], Sequence[Device]]


def asleep() -> float:
    """Return the seconds this machine has slept since it was started, where the system tells."""
    if _BOOTTIME is None:
        return 0.0
    return time.clock_gettime(_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Wakefulness:
    """Looks after the GPUs that a model lies on, if it lies on any."""

    def __init__(
        self,
        used: bool,  # noqa: FBT001  what there is to say
        look: Look = list_devices,
        slept: Callable[[], float] = asleep,
    ) -> None:
        self._look = look
        self._slept = slept
        self._names = [device.name for device in look() if offloads(device)] if used else []
        self._seen = slept()

    def lost(self) -> list[str]:
        """Return the GPUs that are gone since the last call; looks only when the machine slept
        meanwhile.
        """
        slept = self._slept()
        if not self._names or slept - self._seen < _NAP:
            return []
        self._seen = slept
        there = {device.name for device in self._look() if offloads(device) and device.total}
        return [name for name in self._names if name not in there]
