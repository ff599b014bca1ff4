"""Looks after the memory while the daemon runs: when others need it, caches shrink first, then idle
models go; busy and pinned ones never.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from llmd.runtime.main_memory import GROUPS, ROOT, control_groups, main_memory
from llmd.runtime.pool import Pool
from llmd.runtime.residency.pressure import Reading, Strain, stalled

_EVERY = 1.0
_PRESSURE = Path("/proc/pressure/memory")


class Vigil:
    """Watches until it is closed; `look` reads the memory."""

    def __init__(self, pool: Pool, look: Callable[[], Reading], every: float = _EVERY) -> None:
        self._pool = pool
        self._look = look
        self._every = every
        self._strain = Strain()
        self._log = structlog.get_logger("memory")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.ensure_future(self._watch())

    async def close(self) -> None:
        """Stop watching."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.act(time.monotonic())
            except OSError as error:  # too many files are open, say
                self._log.warning("memory cannot be looked at", reason=str(error))

    async def act(self, now: float) -> None:
        """Look once, and do what that calls for."""
        if self._pool.loading:
            return  # a load takes memory that was planned for it
        reading = self._look()
        measure = self._strain.judge(reading, now)
        if measure.shrink:
            self._log.warning(
                "memory runs short, caches shrink",
                available=reading.available,
                reserve=reading.reserve,
                stalled=reading.stalled,
                bytes=measure.shrink,
            )
            self._pool.shrink(measure.shrink)
        if measure.unload:
            name = await self._pool.unload_idle("pressure")
            if name is None:
                self._strain.nothing_left()
                return
            self._log.warning(
                "memory runs short, an idle model goes", model=name, available=reading.available
            )


def look(
    reserve: int, pressure: Path = _PRESSURE, groups: Path = GROUPS, root: Path = ROOT
) -> Reading:
    """Read what the system says of its memory, and of what this process's control groups may use;
    raise OSError where it cannot be read.
    """
    # Mapped weights count as free, also while they are used: the kernel drops those of idle models
    # first and reads them again, but ends a process when there is nothing left to drop. Where it
    # drops what answers need, they stand still, and that shrinks the caches.
    available = main_memory(groups, root).free
    own = next((folder for version, folder in control_groups(groups, root) if version > 1), root)
    stills = [stalled(_text(path)) for path in (pressure, own / "memory.pressure")]
    return Reading(available, reserve, max(stills))


def _text(path: Path) -> str:
    """Return a file of the kernel's, empty where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
