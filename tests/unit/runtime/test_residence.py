from __future__ import annotations

import asyncio

import pytest

from llmd.errors import NoRoom
from llmd.protocol.models import ModelState
from llmd.protocol.placement import LoadOptions
from llmd.protocol.requests import TextPrompt
from llmd.runtime.process import Hooks
from llmd.runtime.residence import Coming, Lifetime, Residence, Seat, Waiter
from llmd.runtime.residency import Entry, Stage
from tests.fakes.moments import moment
from tests.fakes.planner import planned
from tests.fakes.worker import FakeWorker, manifest

HOOKS = Hooks(
    progress=lambda _: None,
    cancelled=lambda _: None,
    died=lambda _cause, _lived: None,
    shrunk=lambda _: None,
    stirred=lambda: None,
)


def place(seats: int = 0, **options: object) -> Residence:
    found = Residence(manifest(size=10), Entry("m"), Lifetime(300.0))
    wanted = LoadOptions(**options)  # type: ignore[arg-type]
    found.coming = Coming(wanted, planned(found.manifest, wanted))
    found.seats = [Seat(number, FakeWorker("m", HOOKS)) for number in range(seats)]
    if seats:
        found.entry.stage = Stage.READY
    return found


def test_how_long_it_stays_is_said_by_the_request_the_options_a_pin_or_the_settings() -> None:
    lifetime = Lifetime(300.0)
    assert lifetime.seconds(LoadOptions()) == 300
    assert lifetime.seconds(LoadOptions(pinned=True)) == -1
    assert lifetime.seconds(LoadOptions(pinned=True, keep_alive=60.0)) == 60
    lifetime.wished = 0.0
    assert lifetime.seconds(LoadOptions(keep_alive=60.0)) == 0


def test_a_prompt_that_comes_again_gets_the_same_seat() -> None:
    found = place(seats=3)
    first = found.choose(TextPrompt("a"))
    assert first
    first.running += 1
    assert found.choose(TextPrompt("a")) is first
    assert found.choose(TextPrompt("b")) is not first
    assert found.choose(None) is not first


def test_a_reserved_seat_is_for_others_only_when_it_is_the_last() -> None:
    found = place(seats=2)
    found.seats[0].reserved = True
    assert found.choose(TextPrompt("a")) is found.seats[1]
    found.seats[1].worker = None
    assert found.choose(TextPrompt("a")) is found.seats[0]
    found.seats[0].worker = None
    assert found.choose(TextPrompt("a")) is None


async def test_who_is_tried_alone_waits_for_a_seat_without_requests() -> None:
    found = place(seats=2)
    for seat in found.seats:
        seat.running = 1
    looking = asyncio.ensure_future(found.lonely())
    await moment()
    assert not looking.done()
    found.seats[1].running = 0
    found.stir()
    assert await looking is found.seats[1]
    assert found.seats[1].reserved
    found.seats[0].worker = None
    found.seats[1].running = 3
    assert await found.lonely() is found.seats[1], "the only one is better than none"
    found.seats[1].worker = None
    assert await found.lonely() is None


async def test_those_who_left_a_moment_ago_do_not_stop_the_others() -> None:
    found = place()
    loop = asyncio.get_running_loop()
    waiters = [Waiter(loop.create_future()) for _ in range(3)]
    found.line = list(waiters)
    waiters[0].turn.cancel()
    found.admit()
    assert all(waiter.admitted for waiter in waiters)
    assert waiters[1].turn.done()
    failing = Waiter(loop.create_future())
    found.line = [failing]
    assert found.fail(NoRoom("none")) == 1
    with pytest.raises(NoRoom):
        await failing.turn


async def test_a_row_adds_up_all_workers() -> None:
    row = place(seats=2, instances=2).describe()
    assert (row.state, row.instances, row.kv_tokens) == (ModelState.READY, 2, 256)
    assert row.predicted[0].parts.weights == 20
    assert (row.keep_alive, row.pinned, row.progress) == (300, False, 1.0)
    assert place().describe().state is ModelState.WAITING


def test_how_it_is_loaded_is_what_was_planned_and_what_the_worker_settled_on() -> None:
    assert place(parallel=3).actual().parallel == 3
    found = place(seats=1, kv_type="q8_0").actual()
    assert (found.context_length, found.kv_type) == (64, "q8_0")
    bare = place()
    bare.coming = Coming(LoadOptions(mlock=True))
    assert bare.actual() == LoadOptions(mlock=True)
