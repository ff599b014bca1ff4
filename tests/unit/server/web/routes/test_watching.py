from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import ClientResponse

from llmd.config.settings import AuthMode
from llmd.protocol.callers import Role, Scope
from llmd.server.web.routes.watching import LIVE
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive, Village

REGION = "bar-requests"


async def events(answer: ClientResponse, count: int = 1) -> list[str]:
    """The next events of a stream, signs of life left out."""
    found = []
    async with asyncio.timeout(5):
        while len(found) < count:
            line = (await answer.content.readline()).decode()
            if line.startswith("event: "):
                found.append(line.removeprefix("event: ").strip())
            if not line:
                break
    return found


async def watched(visitor: Visitor, regions: str = REGION) -> ClientResponse:
    return await visitor.open(f"/web/live?regions={regions}")


async def test_a_page_is_told_what_it_asks_for(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await watched(visitor, f"{REGION},bar-models,{REGION}")
    assert answer.content_type == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert await events(answer, 2) == [REGION, "bar-models"]
    answer.close()


@pytest.mark.parametrize("regions", ["", "nothing", f"{REGION},nothing", f"{REGION},", "%00"])
async def test_unknown_regions_are_refused(connect: Connect, regions: str) -> None:
    answer = await watched(Visitor(await connect(tcp=True)), regions)
    assert answer.status == 400
    assert (await answer.json())["error"]["param"] == "regions"


async def test_regions_have_to_be_named(connect: Connect) -> None:
    answer = await Visitor(await connect(tcp=True)).open("/web/live")
    assert answer.status == 400


async def test_each_region_asks_for_its_own_right(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.USERS)
    await visitor.log_in()
    assert (await watched(visitor)).status == 403
    allowed = await watched(visitor, "bar-models")
    assert allowed.status == 200
    allowed.close()


async def test_strangers_are_told_nothing(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.USERS)
    assert (await watched(visitor)).status == 401


async def changing(visitor: Village) -> None:
    """Have the region change with each snapshot, as if requests came and went."""
    services = visitor.guarded.bench.services
    services.feed._period = 0.01
    application = visitor.client.server.app  # type: ignore[union-attr]  # a TestServer
    live, count = application[LIVE], 0

    def facts(*_: object) -> dict[str, object]:
        nonlocal count
        count += 1
        return {"what": "requests", "number": count}

    live.regions[REGION] = msgspec.structs.replace(live.regions[REGION], facts=facts)


async def test_changes_come_by_themselves(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.OPEN)
    await changing(visitor)
    answer = await watched(visitor)
    assert await events(answer, 3) == [REGION] * 3
    answer.close()


async def test_who_has_left_is_told_nothing_more(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.USERS)
    await visitor.log_in("root", Role.ADMIN)
    await changing(visitor)
    answer = await watched(visitor)
    assert await events(answer, 2) == [REGION] * 2
    await visitor.guarded.bench.services.login.logout(visitor.cookie("login"))
    async with asyncio.timeout(5):
        assert (await answer.read()).count(b"event: ") <= 1
    assert (await watched(visitor)).status == 401


async def test_who_has_lost_a_right_is_told_nothing_more(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    made = await visitor.accounts.keys.create(scopes=(Scope.METRICS, Scope.MODELS_READ))
    await visitor.send("/login", key=made.secret)
    await changing(visitor)
    answer = await watched(visitor)
    assert await events(answer, 2) == [REGION] * 2
    await visitor.accounts.keys.remove(made.key.id)
    async with asyncio.timeout(5):
        await answer.read()
    assert (await watched(visitor)).status == 401


async def test_watching_ends_with_the_daemon(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.OPEN)
    answer = await watched(visitor)
    assert await events(answer) == [REGION]
    await visitor.guarded.bench.services.feed.close()
    async with asyncio.timeout(5):
        await answer.read()
    late = await watched(visitor)
    assert late.status == 503
    assert (await late.json())["error"]["code"] == "draining"


async def test_a_page_that_is_left_costs_nothing_more(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.OPEN)
    answer = await watched(visitor)
    await events(answer)
    feed = visitor.guarded.bench.services.feed
    assert feed.watched
    answer.close()
    async with asyncio.timeout(5):
        while feed.watched:
            await asyncio.sleep(0.005)
