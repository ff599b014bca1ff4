"""What NVML tells of NVIDIA's GPUs, where there are any: how much is free now, and who uses it.

It is quick and starts no context on the device, unlike asking through llama.cpp; machines without
the driver simply have nothing to tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import pynvml


class Usage(msgspec.Struct, frozen=True):
    """One GPU; bytes."""

    total: int
    free: int
    others: int | None
    """What processes other than ours use; None: the driver does not say."""


def usage(bus: str, ours: Collection[int]) -> Usage | None:
    """Look at the GPU that sits at `bus`; `ours` are the ids of our processes. None where NVML has
    nothing to say.
    """
    with _library() as there:
        if not there:
            return None
        try:
            handle = pynvml.nvmlDeviceGetHandleByPciBusId(bus.encode())
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            return Usage(int(memory.total), int(memory.free), _others(handle, ours))
        except pynvml.NVMLError:
            return None


@contextlib.contextmanager
def _library() -> Iterator[bool]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _others(handle: Any, ours: Collection[int]) -> int | None:
    """Return what other processes use; in a container the driver may hide them."""
    try:
        running = [
            *pynvml.nvmlDeviceGetComputeRunningProcesses(handle),
            *pynvml.nvmlDeviceGetGraphicsRunningProcesses(handle),
        ]
    except pynvml.NVMLError:
        return None
    used = {one.pid: one.usedGpuMemory or 0 for one in running}
    return sum(size for pid, size in used.items() if pid not in ours)
