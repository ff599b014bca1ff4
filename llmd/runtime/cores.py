"""Which workers compute at this moment: they share the cores of the machine. Threads of several
workers on one core slow all of them down, since llama.cpp's threads wait for each other after every
operation, and wait awake.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmd.runtime.residence import Residence


def share_cores(places: Mapping[str, Residence]) -> None:
    """Tell all workers that compute how many of them there are; what is wholly on GPUs does not
    count.
    """
    busy = [
        seat.worker
        for place in places.values()
        if _computes(place)
        for seat in place.live
        if seat.worker and seat.worker.computing
    ]
    for worker in busy:
        worker.share(len(busy))


def _computes(place: Residence) -> bool:
    plan = place.coming.plan
    return plan is None or plan.gpu_layers < plan.layers or plan.cpu_moe > 0
