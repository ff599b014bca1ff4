"""A planner for a machine of a test's own: models take their size, of one device or split."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from llmd.protocol.models import LoadedModel, ModelManifest
from llmd.protocol.placement import DeviceRoom, DeviceUse, LoadOptions, Parts, Plan, Remedy

USUAL_CONTEXT = 64


class FakePlanner:
    """`memory` is what the device has; `taken` what others use of it."""

    def __init__(self, memory: int = 2**40, device: str = "CPU") -> None:
        self.memory = memory
        self.device = device
        self.taken = 0
        self.planned: list[LoadOptions] = []
        self.learnt: list[str] = []

    async def rooms(self, loaded: Sequence[LoadedModel]) -> list[DeviceRoom]:
        used = sum(use.parts.total for model in loaded for use in model.predicted)
        free = self.memory - self.taken - used
        return [DeviceRoom(device=self.device, total=self.memory, free=free)]

    async def plan(
        self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
    ) -> Plan:
        self.planned.append(options)
        plan = planned(manifest, options, self.device)
        fits = manifest.size <= rooms[0].free
        return msgspec.structs.replace(
            plan,
            fits=fits,
            rooms=list(rooms),
            problem="" if fits else f"{manifest.name} needs {manifest.size} bytes.",
            remedies=[] if fits else [Remedy(text="Take a smaller one.")],
        )

    async def learn(
        self,
        manifest: ModelManifest,
        options: LoadOptions,
        plan: Plan,
        measured: Sequence[DeviceUse],
        seconds: float,
    ) -> None:
        self.learnt.append(manifest.name)


def planned(manifest: ModelManifest, options: LoadOptions, device: str = "CPU") -> Plan:
    """A plan that heeds the options and takes the model's size."""
    return Plan(
        model=manifest.name,
        fits=True,
        uses=[DeviceUse(device=device, parts=Parts(weights=manifest.size))],
        rooms=[],
        context_length=options.context_length or USUAL_CONTEXT,
        parallel=options.parallel or 2,
        kv_tokens=options.kv_tokens or 128,
        kv_type=options.kv_type or "f16",
        layers=1,
    )
