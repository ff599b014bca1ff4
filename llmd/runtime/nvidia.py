"""What NVML tells of NVIDIA's GPUs, where there are any: how much is free now, and who uses it.

It is quick and starts no context on the device, unlike asking through llama.cpp; machines without
the driver simply have nothing to tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import msgspec


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
    with _library() as nvml:
        if nvml is None:
            return None
        try:
            handle = nvml.nvmlDeviceGetHandleByPciBusId(bus.encode())
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            return Usage(int(memory.total), int(memory.free), _others(nvml, handle, ours))
        except nvml.NVMLError:
            return None


@contextlib.contextmanager
def _library() -> Iterator[Any]:
    """Yield the library, or None where there is no driver."""
    import pynvml  # noqa: PLC0415  a megabyte that machines without such a GPU do without

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _others(nvml: Any, handle: Any, ours: Collection[int]) -> int | None:
    """Return what other processes use; in a container the driver may hide them."""
    try:
        running = [
            *nvml.nvmlDeviceGetComputeRunningProcesses(handle),
            *nvml.nvmlDeviceGetGraphicsRunningProcesses(handle),
        ]
    except nvml.NVMLError:
        return None
    used = {one.pid: one.usedGpuMemory or 0 for one in running}
    return sum(size for pid, size in used.items() if pid not in ours)
