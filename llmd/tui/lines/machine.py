"""Processor, main memory, GPUs, and the daemon in numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.content import Content

from llmd.protocol import amounts
from llmd.protocol.feed import GpuLoad, Snapshot
from llmd.protocol.reports import RequestState
from llmd.tui import drawing
from llmd.tui.drawing import MUTED
from llmd.tui.lines.columns import joined, meter, side_by_side

_PERCENT = 100
_HISTORY = 24
"""Cells of the sparkline behind the processor's bar, where there is room for both."""


def lines(snapshot: Snapshot, width: int) -> list[Content]:
    """Return the machine's meters, then a line about the daemon."""
    machine = snapshot.machine
    used, total = machine.memory_used, machine.memory_total
    meters: list[Callable[[int], Content]] = [
        partial(_cpu, snapshot),
        partial(_level, "memory", f"{_sizes(used, total)}", amounts.share(used, total)),
        *(partial(_gpu, gpu) for gpu in machine.gpus),
    ]
    return [*side_by_side(meters, width), _daemon(snapshot, width)]


def _cpu(snapshot: Snapshot, width: int) -> Content:
    machine = snapshot.machine
    share = machine.cpu / _PERCENT

    def draw(cells: int) -> Content:
        behind = _HISTORY if cells > 2 * _HISTORY else cells // 3
        history = drawing.spark(snapshot.history.cpu, behind, top=_PERCENT)[0]
        level = drawing.bar(share, cells - behind - 1, drawing.strain(share))
        return Content.assemble(level, " ", (history, "$primary 60%"))

    return meter("cpu", f"{machine.cpu:.0f}% of {machine.cores}", draw, width)


def _gpu(gpu: GpuLoad, width: int) -> Content:
    used = gpu.total - gpu.free
    return _level(
        gpu.device.lower(), _sizes(used, gpu.total), amounts.share(used, gpu.total), width
    )


def _level(label: str, figure: str, share: float, width: int) -> Content:
    return meter(
        label, figure, lambda cells: drawing.bar(share, cells, drawing.strain(share)), width
    )


def _sizes(used: int, total: int) -> str:
    """Return `3.1/7.6 GB`, in the unit of the larger one."""
    amount, unit = amounts.size(total).split(" ")
    scale = float(amount) / total if total else 0.0
    part = used * scale
    return f"{part:.1f}/{amount} {unit}" if part < _PERCENT else f"{part:.0f}/{amount} {unit}"


def _daemon(snapshot: Snapshot, width: int) -> Content:
    status, live = snapshot.status, snapshot.requests.live
    counts = {state: sum(one.state is state for one in live) for state in RequestState}
    doing = [f"{number} {state}" for state, number in counts.items() if number]
    clients = status.connections
    told = [Content.styled(", ".join(doing) or "idle", "$text-success" if doing else MUTED)]
    for words in (
        f"{clients} connection{'' if clients == 1 else 's'}",
        f"daemon {amounts.size(status.resident)}",
        status.address,
    ):
        more = [*told, Content.styled(words, MUTED)]
        # what finds no room is left out rather than cut
        told = more if joined(more).cell_length <= width else told
    return joined(told)
