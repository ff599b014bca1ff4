from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
import pytest

from llmd.config.settings import AuthMode
from llmd.errors import RequestCancelled
from llmd.protocol.callers import Role, Scope
from llmd.protocol.events import CacheMiss, Event, MissKind
from llmd.protocol.reports import RequestState
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.server.web.routes import requests
from tests.fakes.snapshots import request, snapshot
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench

MISS = CacheMiss(MissKind.PROMPT, 7, "my secret", "your secret")


def test_what_is_nothing_and_what_the_browser_counts_is_left_out() -> None:
    told = requests.row(request(3, drafted_tokens=0), quoted=True)
    assert told["written"] == 96
    assert not {"took", "age", "position", "wait", "drafted", "miss", "reason"} & told.keys()


def test_who_stands_first_in_the_line_is_told_so() -> None:
    waiting = request(3, RequestState.QUEUED, position=0, estimated_wait=1.5)
    told = requests.row(waiting, quoted=True)
    assert (told["position"], told["wait"]) == (0, 1.5)


def test_a_row_that_waits_stays_the_same_while_it_grows_older() -> None:
    one = requests.row(request(3, age=1.0), quoted=True)
    assert requests.row(request(3, age=2.0), quoted=True) == one


def test_of_ended_ones_the_time_they_took_is_told() -> None:
    over = request(3, RequestState.DONE, reason="stop", age=4.5)
    assert requests.row(over, quoted=True, over=True)["took"] == 4.5


def test_words_of_prompts_are_for_administrators() -> None:
    one = request(3, cache_miss=MISS)
    assert requests.row(one, quoted=True)["miss"] == MISS
    plain = requests.row(one, quoted=False)
    assert b"secret" not in msgspec.json.encode(plain)
    assert plain["miss"].kind is MissKind.PROMPT
    by_name = {region.name: region for region in requests.REGIONS}
    assert by_name["requests-whole"].scope is Scope.ADMIN
    assert by_name["requests"].scope is Scope.METRICS


@pytest.mark.parametrize("region", requests.REGIONS, ids=lambda region: region.name)
def test_every_request_of_a_snapshot_has_a_row(bench: Bench, region: requests.Region) -> None:
    latest = snapshot()
    told = region.facts(bench.services, latest)
    known = [*latest.requests.live, *latest.requests.ended]
    assert set(told) == {str(one.id) for one in known}
    msgspec.json.encode(told)


async def test_each_caller_hears_what_they_may(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    made = await visitor.accounts.keys.create(scopes=[Scope.METRICS, Scope.MODELS_READ])
    await visitor.send("/login", key=made.secret)
    text = await (await visitor.open("/admin/requests")).text()
    assert 'data-told="requests"' in text
    assert "data-may-cancel" not in text
    stamp = await visitor.stamp("/admin/requests")
    assert (await visitor.send("/web/requests/1/cancel", stamp)).status == 403
    refused = await visitor.open("/web/live?regions=requests-whole")
    assert refused.status == 403


async def test_an_administrator_hears_all_of_it(connect: Connect) -> None:
    text = await (await Visitor(await connect(tcp=True)).open("/admin/requests")).text()
    assert 'data-told="requests-whole"' in text
    assert "data-may-cancel" in text


async def test_a_user_without_the_right_sees_nobody_elses_requests(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("ann", Role.USER)
    assert (await visitor.open("/admin/requests")).status == 403


async def test_a_request_of_somebody_else_is_ended(connect: Connect, bench: Bench) -> None:
    visitor = Visitor(await connect(tcp=True))
    bench.starts.held = True
    generation = bench.services.generation
    stream = generation.stream(
        generation.resolve(None), [GenerateRequest(prompt=TextPrompt("a b"), client="somebody")]
    )
    async with aclosing(stream) as events:
        await anext(events)
        (live,) = bench.services.requests.list().live
        rest = asyncio.ensure_future(_end(events))
        await asyncio.sleep(0)
        assert (await visitor.send(f"/web/requests/{live.id}/cancel")).status == 204
        with pytest.raises(RequestCancelled):
            await rest
    assert (await visitor.send(f"/web/requests/{live.id}/cancel")).status == 404


async def _end(events: AsyncGenerator[tuple[int, Event]]) -> None:
    async for _ in events:
        pass


@pytest.mark.parametrize("number", ["x", "-1", "٣", "1.5"])
async def test_what_is_no_number_is_refused(connect: Connect, number: str) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.send(f"/web/requests/{number}/cancel")
    assert answer.status == 400
    assert (await answer.json())["error"]["param"] == "id"


async def test_without_the_stamp_of_a_page_nothing_is_cancelled(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.send("/web/requests/1/cancel", stamp="forged")
    assert answer.status == 403
