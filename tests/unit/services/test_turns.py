from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from llmd.errors import Draining, NotFound, RateLimited, RequestCancelled, SessionBusy
from llmd.services.gate import Gate
from llmd.services.turns import Event, Order, Turn, Turns, shutting_down, told
from llmd.telemetry.metrics import Metrics
from tests.fakes.moments import moment

Told = list[tuple[int, str, dict[str, Any]]]


def order(session: str = "s", request: str = "r", owner: str = "anna", **more: Any) -> Order:
    return Order(owner=owner, session=session, request=request, **more)


def plain(events: list[Event]) -> Told:
    return [(event.id, event.kind, dict(event.facts)) for event in events]


def texts(events: list[Event]) -> str:
    return "".join(event.facts.get("text", "") for event in events)


@pytest.fixture
def gate() -> Gate:
    return Gate(Metrics())


@pytest.fixture
async def turns(gate: Gate) -> AsyncIterator[Turns]:
    made = Turns(gate, lasting=60)
    yield made
    await made.close()


class Script:
    """Work that goes on as a test says."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.turn: Turn | None = None
        self.cancelled = False

    async def __call__(self, turn: Turn) -> None:
        self.turn = turn
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            turn.finish("done", {"partial": True}, kept=True)
            raise
        turn.finish("done", {}, kept=True)


async def settled(turns: Turns, session: str = "s") -> None:
    while turns.runs(session):
        await asyncio.sleep(0)


async def test_who_comes_late_gets_pieces_joined_and_goes_on_exactly_behind_an_id() -> None:
    turn = Turn(order())
    turn.tell("state", {"state": "queued"})
    turn.tell("state", {"state": "reading"})
    for piece in ("你", "好", "吗", "world"):
        turn.write("text", "text", piece)
    everything = turn.behind(0)
    assert plain(everything) == [
        (2, "state", {"state": "reading"}),
        (11, "text", {"text": "你好吗world"}),
    ]
    # the state took two places, the head of the text one, and each character one
    left = [texts(turn.behind(place)) for place in range(turn.end + 1)]
    assert left == ["你好吗world"] * 4 + ["好吗world", "吗world", *("world"[n:] for n in range(6))]
    assert turn.behind(turn.end) == [] == turn.behind(10**9)


async def test_kinds_that_take_turns_stay_in_their_order() -> None:
    turn = Turn(order())
    turn.write("reasoning", "text", "hm")
    turn.write("reasoning", "text", "m")
    turn.write("text", "text", "a")
    turn.write("reasoning", "text", "?")
    found = [(event.kind, event.facts["text"]) for event in turn.behind(0)]
    assert found == [("reasoning", "hmm"), ("text", "a"), ("reasoning", "?")]


async def test_a_call_is_named_once_whoever_listens_from_where() -> None:
    turn = Turn(order())
    turn.write("tool", "arguments", "", {"index": 0, "name": "weather"})
    first = turn.end
    turn.write("tool", "arguments", '{"a"', {"index": 0, "name": ""})
    turn.write("tool", "arguments", ":1}", {"index": 0, "name": ""})
    turn.write("tool", "arguments", "{}", {"index": 1, "name": "time"})
    assert [event.facts for event in turn.behind(0)] == [
        {"index": 0, "name": "weather", "arguments": '{"a":1}'},
        {"index": 1, "name": "time", "arguments": "{}"},
    ]
    assert [event.facts for event in turn.behind(first)] == [
        {"index": 0, "arguments": '{"a":1}'},
        {"index": 1, "name": "time", "arguments": "{}"},
    ]


async def test_any_number_may_listen_at_any_pace(turns: Turns) -> None:
    script = Script()
    turn = turns.get("anna", turns.begin(order(), script))
    heard: list[str] = ["", ""]

    async def listen(index: int, place: int) -> None:
        async for events in turn.follow(place):
            heard[index] += texts(events)

    first = asyncio.ensure_future(listen(0, 0))
    for piece in "abcdef":
        turn.write("text", "text", piece)
        await asyncio.sleep(0)
    second = asyncio.ensure_future(listen(1, 3))
    script.go.set()
    await asyncio.gather(first, second)
    assert heard == ["abcdef", "cdef"]  # the run's head is the first place
    assert [event.kind for event in turn.behind(0)] == ["text", "done"]


async def test_a_session_has_one_turn_and_a_request_is_the_same_turn(turns: Turns) -> None:
    script = Script()
    first = turns.begin(order(), script)
    assert turns.begin(order(), script) == first == turns.known("s", "r")
    with pytest.raises(SessionBusy) as caught:
        turns.begin(order(request="other"), script)
    assert caught.value.status == 409
    elsewhere = turns.begin(order(session="t"), Script())
    assert elsewhere != first
    assert turns.runs("s")
    assert not turns.runs("u")
    script.go.set()
    await settled(turns)
    assert turns.begin(order(), script) == first
    assert turns.begin(order(request="other"), Script()) != first


async def test_turns_of_others_are_not_there(turns: Turns) -> None:
    turn = turns.begin(order(), Script())
    assert turns.get("anna", turn).id == turn
    for owner, name in (("bert", turn), ("", turn), ("anna", "nonsense")):
        with pytest.raises(NotFound):
            turns.get(owner, name)


async def test_a_seat_is_held_until_the_end_and_refused_where_there_is_none(turns: Turns) -> None:
    seats = [0]

    @contextmanager
    def seat() -> Iterator[None]:
        seats[0] += 1
        yield
        seats[0] -= 1

    def full() -> Any:
        raise RateLimited("Full.")

    with pytest.raises(RateLimited):
        turns.begin(order(request="no"), Script(), full)
    assert turns.known("s", "no") == ""
    script = Script()
    turns.begin(order(), script, seat)
    assert seats == [1]
    script.go.set()
    await settled(turns)
    assert seats == [0]
    turn = turns.begin(order(request="cut"), Script(), seat)
    await turns.stop(turns.get("anna", turn), RequestCancelled("No more."))  # before it ran at all
    assert seats == [0]


async def test_what_is_stopped_comes_to_its_end_first(turns: Turns) -> None:
    script = Script()
    turn = turns.get("anna", turns.begin(order(), script))
    await asyncio.sleep(0)
    await asyncio.gather(*(turns.stop(turn, RequestCancelled("No more.")) for _ in range(3)))
    assert script.cancelled
    assert not turns.runs("s")
    assert turns.of("s") is None
    assert turns.get("anna", turn.id) is turn
    await turns.stop(turn, RequestCancelled("Seen."))
    with pytest.raises(NotFound):
        turns.get("anna", turn.id)


async def test_a_turn_that_was_never_begun_tells_why(turns: Turns) -> None:
    turn = turns.get("anna", turns.begin(order(), Script()))
    await turns.stop(turn, RequestCancelled("No more.", hint="Ask."))
    assert plain(turn.behind(0)) == [
        (
            1,
            "failed",
            {"code": "request_cancelled", "message": "No more.", "hint": "Ask.", "kept": False},
        )
    ]


async def test_a_bug_is_told_and_does_not_stay_under_way(turns: Turns) -> None:
    async def wrong(turn: Turn) -> None:
        turn.write("text", "text", "a")
        raise ZeroDivisionError

    turn = turns.get("anna", turns.begin(order(), wrong))
    await settled(turns)
    last = turn.behind(0)[-1]
    assert (last.kind, last.facts["code"], last.facts["kept"]) == (
        "failed",
        "internal_error",
        False,
    )


async def test_a_question_that_was_not_kept_stays_with_its_turn(gate: Gate) -> None:
    async def lose(turn: Turn) -> None:
        turn.finish("failed", {}, kept=False)

    turns = Turns(gate, lasting=0.01)
    asked = turns.begin(order(facts={"message": "Why?"}), lose)
    again = turns.begin(order(session="again", asks=False), lose)
    await moment(0.05)
    lost = turns.of("s")
    assert lost is not None
    assert (lost.id, lost.order.facts) == (asked, {"message": "Why?"})
    assert turns.of("again") is None
    assert turns.known("again", "r") == again
    turns.begin(order(request="next"), Script())
    assert turns.of("s") is not lost
    await turns.close()


async def test_those_that_ended_are_forgotten(gate: Gate) -> None:
    async def end(turn: Turn) -> None:
        turn.finish("done", {}, kept=True)

    turns = Turns(gate, lasting=0.01)
    turn = turns.begin(order(), end)
    await settled(turns)
    assert turns.get("anna", turn)
    await moment(0.05)
    with pytest.raises(NotFound):
        turns.get("anna", turn)
    await turns.close()


@pytest.mark.parametrize(("weight", "left"), [(0, 256), (2**20, 64)])
async def test_only_so_many_are_remembered(turns: Turns, weight: int, left: int) -> None:
    async def end(turn: Turn) -> None:
        turn.finish("failed", {}, kept=False)

    running = turns.begin(order(session="running", weight=2**30), Script())
    made = []
    for number in range(300):
        made.append(turns.begin(order(session=f"{number}", weight=weight), end))
        await settled(turns, f"{number}")
    known = [number for number in range(300) if turns.of(f"{number}")]
    assert known == [*range(300 - left, 300)]
    assert turns.get("anna", running)


async def test_requests_are_told_apart_by_their_session(turns: Turns) -> None:
    assert turns.begin(order("a"), Script()) != turns.begin(order("b"), Script())


async def test_the_turn_of_a_session_that_goes_is_dropped(turns: Turns) -> None:
    script = Script()
    turn = turns.begin(order(), script)
    await asyncio.sleep(0)
    await turns.drop("s", NotFound("Gone."))
    assert script.cancelled
    with pytest.raises(NotFound):
        turns.get("anna", turn)
    await turns.drop("s", NotFound("Gone."))


async def test_none_begins_when_the_daemon_stops(gate: Gate) -> None:
    turns, script = Turns(gate), Script()
    turn = turns.get("anna", turns.begin(order(), script))
    await asyncio.sleep(0)
    gate.close()
    with pytest.raises(Draining):
        turns.begin(order(session="t"), Script())
    assert turns.begin(order(), script) == turn.id
    await turns.close()
    assert script.cancelled
    assert isinstance(turn.cut, Draining)
    assert turn.ended
    with pytest.raises(Draining):
        turns.begin(order(session="t"), Script())


def test_failures_are_told_with_what_to_do() -> None:
    assert told(shutting_down()) == {
        "code": "draining",
        "message": "llmd is shutting down.",
        "hint": "Ask again once it is back.",
    }
