"""How well a model could be loaded, and what would have to go for that.

What users notice is worth the place of idle models: all the context they want, layers on the GPU. A
KV cache that is roomier still, or more memory for set-aside prefixes, is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmd.protocol.models import ModelManifest
from llmd.protocol.placement import DeviceRoom, LoadOptions, Plan
from llmd.runtime.planning import Planner
from llmd.runtime.residency.wishes import enlarged


async def prospect(
    planner: Planner,
    manifest: ModelManifest,
    options: LoadOptions,
    stages: Sequence[Sequence[DeviceRoom]],
) -> Plan:
    """Return the plan that needs least to go and is as good as the best; `stages` are the rooms as
    they are, and as they would be with one more model gone each time.
    """
    first = await planner.plan(manifest, options, stages[0])
    if (first.fits and not first.shrunk) or len(stages) == 1:
        return first
    best = await planner.plan(manifest, options, stages[-1])
    if not best.fits:
        return best
    for plan in [first, *[await planner.plan(manifest, options, s) for s in stages[1:-1]]]:
        if plan.fits and _quality(plan) >= _quality(best):
            return plan
    return best


async def wished(
    planner: Planner,
    manifest: ModelManifest,
    options: LoadOptions,
    wish: LoadOptions,
    stages: Sequence[Sequence[DeviceRoom]],
) -> tuple[LoadOptions, Plan]:
    """Return how to load a model, as a request wishes if that fits too, and the plan for it."""
    plan = await prospect(planner, manifest, options, stages)
    wanted = enlarged(options, wish, plan.context_length, manifest.context_length)
    if plan.fits and wanted != options:
        larger = await prospect(planner, manifest, wanted, stages)
        if larger.fits:
            return wanted, larger
    return options, plan


def _quality(plan: Plan) -> tuple[int, int, int]:
    return plan.context_length, plan.gpu_layers, -plan.cpu_moe
