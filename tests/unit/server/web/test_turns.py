from __future__ import annotations

import asyncio

import pytest

from llmd.errors import LlmdError, NoRoom, RequestCancelled
from llmd.protocol.callers import USUAL, Caller
from llmd.protocol.events import Accepted, CallDelta, Delta, Queued, Reading
from llmd.protocol.sessions import SessionMessage
from llmd.server.completions import schema
from llmd.server.completions.record import Record, Terms
from llmd.server.web import turns
from llmd.services.turns import Order, Turn
from tests.fakes.moments import moment
from tests.unit.services.conftest import Bench

ANN = Caller(client="account:ann", user="ann", scopes=USUAL)


def turn() -> Turn:
    return Turn(Order(owner="ann", session="s", request="r"))


def told(one: Turn) -> list[tuple[str, dict[str, object]]]:
    return [(event.kind, dict(event.facts)) for event in one.behind(0)]


def message(role: str) -> SessionMessage:
    return SessionMessage(id=role, session_id="s", role=role, content="x", created_at=1.0)


async def ask(bench: Bench, content: str) -> tuple[Turn, str]:
    session = (await bench.services.sessions.create(ANN)).id
    record = Record(bench.services.sessions, ANN, session, Terms(whole=True))
    made, asked = turn(), schema.ChatRequest(messages=[schema.Message("user", content)])
    await turns.answer(bench.services, asked, record, made)
    return made, session


def test_events_are_told_apart() -> None:
    made, accepted = turn(), Accepted(9)
    turns.tell(made, Queued(2, 1.26), accepted)
    assert told(made) == [("state", {"state": "queued", "position": 2, "wait": 1.3})]
    turns.tell(made, Queued(0, 0.0), accepted)
    assert told(made) == [("state", {"state": "reading"})]
    turns.tell(made, Reading(5, 3), accepted)
    assert told(made) == [("state", {"state": "reading", "read": 5, "prompt": 9})]
    turns.tell(made, Delta("a", 1, reasoning="hm"), accepted)
    turns.tell(made, Delta("b", 1), accepted)
    turns.tell(
        made,
        Delta("", 1, calls=[CallDelta(0, "id", "f", "{"), CallDelta(0, arguments="}")]),
        accepted,
    )
    assert told(made)[1:] == [
        ("reasoning", {"text": "hm"}),
        ("text", {"text": "ab"}),
        ("tool", {"index": 0, "name": "f", "arguments": "{}"}),
    ]


async def test_a_model_that_is_not_loaded_is_waited_for(bench: Bench) -> None:
    bench.starts.gate.clear()
    session = (await bench.services.sessions.create(ANN)).id
    record = Record(bench.services.sessions, ANN, session)
    made, asked = turn(), schema.ChatRequest(messages=[schema.Message("user", "a")])
    going = asyncio.ensure_future(turns.answer(bench.services, asked, record, made))
    async with asyncio.timeout(10):
        while not made.behind(0):
            await asyncio.sleep(0)
    assert told(made) == [("state", {"state": "loading"})]
    bench.starts.gate.set()
    await going
    assert told(made)[0] == ("state", {"state": "writing"})
    assert (await ask(bench, "b"))[0].behind(0)[-1].kind == "done"
    await bench.pool.close()


async def test_what_cannot_be_answered_is_told(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    record = Record(bench.services.sessions, ANN, session)
    asked = schema.ChatRequest(model="nobody", messages=[schema.Message("user", "a")])
    made = turn()
    await turns.answer(bench.services, asked, record, made)
    kind, facts = told(made)[-1]
    assert (kind, facts["code"], facts["kept"]) == ("failed", "model_not_found", False)
    assert not made.kept


async def test_a_task_that_somebody_else_cancels_stays_cancelled(bench: Bench) -> None:
    bench.starts.held = True
    session = (await bench.services.sessions.create(ANN)).id
    record = Record(bench.services.sessions, ANN, session)
    made, asked = turn(), schema.ChatRequest(messages=[schema.Message("user", "a")])
    going = asyncio.ensure_future(turns.answer(bench.services, asked, record, made))
    await moment()
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert not made.ended
    await bench.pool.close()


@pytest.mark.parametrize(
    ("kept", "cut", "fault", "error", "ending"),
    [
        (True, None, None, None, ("done", None)),
        (True, "stop", None, "stop", ("done", None)),
        (False, "stop", None, "stop", ("failed", "request_cancelled")),
        (True, None, None, "stop", ("failed", "request_cancelled")),
        (False, "stop", "full", "stop", ("failed", "no_room")),
        (False, None, "full", "bug", ("failed", "no_room")),
        (True, None, None, "bug", ("failed", "internal_error")),
    ],
)
def test_how_it_ended_is_told_with_what_was_kept(
    bench: Bench,
    kept: bool,
    cut: str | None,
    fault: str | None,
    error: str | None,
    ending: tuple[str, str | None],
) -> None:
    errors: dict[str | None, LlmdError | None] = {
        None: None,
        "stop": RequestCancelled("No more."),
        "full": NoRoom("Full."),
        "bug": LlmdError("Oh."),
    }
    made, record = turn(), Record(bench.services.sessions, ANN, "s")
    made.cut, record.fault = errors[cut], errors[fault]
    record.kept = [message("user"), message("assistant")] if kept else []
    turns.end(made, record, errors[error])
    kind, facts = told(made)[-1]
    assert (kind, facts.get("code")) == ending
    assert made.kept is kept
    if kept:
        answer = facts["message" if kind == "done" else "answer"]
        assert isinstance(answer, dict)
        assert answer["role"] == "assistant"
        assert isinstance(facts["question"], dict)


def test_an_answer_given_again_has_no_new_question(bench: Bench) -> None:
    made, record = turn(), Record(bench.services.sessions, ANN, "s")
    record.kept = [message("assistant")]
    turns.end(made, record, None)
    assert told(made)[-1][1]["question"] is None


def test_a_stop_says_what_to_do() -> None:
    assert turns.stopped().hint
