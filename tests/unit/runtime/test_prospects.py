from __future__ import annotations

from collections.abc import Sequence

import msgspec

from llmd.protocol.models import ModelManifest
from llmd.protocol.placement import DeviceRoom, LoadOptions, Plan
from llmd.runtime.prospects import prospect, wished
from tests.fakes.planner import FakePlanner, planned
from tests.fakes.worker import manifest

MODEL = msgspec.structs.replace(manifest(size=10), context_length=8192)


class Elastic(FakePlanner):
    """Gives the context that the room allows, and a KV cache as large as it can."""

    async def plan(
        self, manifest: ModelManifest, options: LoadOptions, rooms: Sequence[DeviceRoom]
    ) -> Plan:
        free = rooms[0].free - manifest.size
        asked = options.context_length or 4096
        context = min(asked, free) if options.context_length is None else asked
        plan = planned(manifest, options)
        fits = free >= (asked if options.context_length else 1024)
        shrunk = fits and (context < asked or free < 4 * asked)
        return msgspec.structs.replace(
            plan, fits=fits, context_length=context, kv_tokens=min(free, 4 * asked), shrunk=shrunk
        )


def stages(*free: int) -> list[list[DeviceRoom]]:
    return [[DeviceRoom(device="CPU", total=10**6, free=each + 10)] for each in free]


async def plan(*free: int) -> Plan:
    return await prospect(Elastic(), MODEL, LoadOptions(), stages(*free))


async def test_nothing_goes_for_what_fits_as_it_is() -> None:
    assert (await plan(20_000, 50_000)).kv_tokens == 16_384


async def test_a_smaller_kv_cache_is_no_reason_to_unload_anything() -> None:
    found = await plan(5000, 50_000)
    assert (found.context_length, found.kv_tokens) == (4096, 5000)


async def test_only_as_much_goes_as_the_whole_context_needs() -> None:
    found = await plan(2000, 3000, 5000, 50_000)
    assert (found.context_length, found.kv_tokens) == (4096, 5000)


async def test_where_all_of_it_does_not_suffice_the_best_there_is_counts() -> None:
    assert (await plan(500, 2000)).context_length == 2000
    assert not (await plan(500, 600)).fits
    assert not (await plan(500)).fits


async def test_a_wish_is_heeded_where_it_fits_and_forgotten_where_it_does_not() -> None:
    wish = LoadOptions(context_length=8000)
    options, found = await wished(Elastic(), MODEL, LoadOptions(), wish, stages(9000))
    assert (options.context_length, found.context_length) == (8000, 8000)
    options, found = await wished(Elastic(), MODEL, LoadOptions(), wish, stages(5000))
    assert (options, found.context_length) == (LoadOptions(), 4096)
