from __future__ import annotations

from llmd.protocol.callers import USUAL, Caller
from llmd.protocol.sessions import NewMessage, Picture
from llmd.server.completions import remembering, schema
from llmd.server.completions.record import Record, Terms
from tests.unit.services.conftest import Bench

ANN = Caller(client="account:ann", user="ann", scopes=USUAL)
RED = Picture("image/png", b"\x89PNG")


def ask(*said: str) -> schema.ChatRequest:
    return schema.ChatRequest(messages=[schema.Message("user", text) for text in said])


async def answer(bench: Bench, asked: schema.ChatRequest, record: Record) -> None:
    async with remembering.recorded(bench.services, asked, record) as under_way:
        await under_way.whole()


async def test_a_record_tells_what_was_kept(bench: Bench) -> None:
    sessions = bench.services.sessions
    session = (await sessions.create(ANN)).id
    record = Record(sessions, ANN, session, Terms(whole=True, told={"turn": "t"}))
    await answer(bench, ask("a", "b"), record)
    assert record.kept == await sessions.messages(ANN, session)
    assert record.fault is None
    info = record.kept[-1].metadata_info
    assert (info["model"], info["turn"], info["finish_reason"]) == ("llmd-tiny", "t", "stop")
    assert info["usage"]["completion_tokens"] == 1
    assert info["time_to_first_token"] >= 0
    assert (await sessions.get(ANN, session)).model == "llmd-tiny"
    await record.keep()
    assert len(await sessions.messages(ANN, session)) == 3


async def test_an_answer_replaces_all_that_followed_the_question(bench: Bench) -> None:
    sessions = bench.services.sessions
    session = (await sessions.create(ANN)).id
    for role, content in (("user", "a b"), ("assistant", "x"), ("tool", "y"), ("assistant", "z")):
        await sessions.add(ANN, session, NewMessage(role=role, content=content))
    await answer(bench, ask(), Record(sessions, ANN, session, Terms(again=True, whole=True)))
    kept = await sessions.messages(ANN, session)
    assert [(one.role, one.content) for one in kept] == [("user", "a b"), ("assistant", "ab")]
    assert [one["content"] for one in kept[-1].metadata_info["versions"]] == ["x", "z"]


async def test_a_question_that_stands_alone_is_answered(bench: Bench) -> None:
    sessions = bench.services.sessions
    session = (await sessions.create(ANN)).id
    await sessions.add(ANN, session, NewMessage(role="user", content="a b"))
    await answer(bench, ask(), Record(sessions, ANN, session, Terms(again=True)))
    kept = await sessions.messages(ANN, session)
    assert [(one.role, one.content) for one in kept] == [("user", "a b"), ("assistant", "ab")]
    assert "versions" not in kept[-1].metadata_info


async def test_pictures_belong_to_the_last_question(bench: Bench) -> None:
    sessions = bench.services.sessions
    session = (await sessions.create(ANN)).id
    terms = Terms(whole=True, pictures=[RED, RED])
    record = Record(sessions, ANN, session, terms)
    await answer(bench, ask("a", "b"), record)
    assert [one.metadata_info.get("pictures") for one in record.kept] == [None, 2, None]
    found = await bench.services.conversations.pictures(ANN, session, 9)
    assert found == {record.kept[1].id: [RED, RED]}


async def test_what_is_told_of_a_question_is_kept_with_the_last_one(bench: Bench) -> None:
    sessions = bench.services.sessions
    session = (await sessions.create(ANN)).id
    terms = Terms(whole=True, pictures=[RED], asked={"files": ["x"]})
    await answer(bench, ask("a", "b"), Record(sessions, ANN, session, terms))
    again = Record(sessions, ANN, session, Terms(again=True, whole=True, asked={"files": []}))
    await answer(bench, ask(), again)
    first, last, _ = await sessions.messages(ANN, session)
    assert first.metadata_info == {}
    assert {"files": ["x"], "pictures": 1}.items() <= last.metadata_info.items()


async def test_what_broke_off_and_could_not_be_kept_is_not_passed_over(bench: Bench) -> None:
    sessions = bench.services.sessions
    session = (await sessions.create(ANN)).id
    record = Record(sessions, ANN, session, Terms(whole=True))
    async with remembering.recorded(bench.services, ask("a b"), record) as under_way:
        async for _ in under_way.events():
            if under_way.text:
                break
        await sessions.delete(ANN, session)
    assert record.fault is not None
    assert (record.fault.code, record.kept) == ("not_found", [])
