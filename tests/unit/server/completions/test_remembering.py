from __future__ import annotations

import asyncio

import msgspec
import pytest

from llmd.errors import InvalidRequest, ModelNotFound, NoRoom, NotFound, WorkerDied
from llmd.protocol.callers import USUAL, Caller
from llmd.protocol.requests import ChatPrompt
from llmd.protocol.sessions import NewMessage
from llmd.server.completions import remembering, schema
from tests.unit.services.conftest import Bench

ANN = Caller(client="account:ann", user="ann", scopes=USUAL)
BOB = Caller(client="account:bob", user="bob", scopes=USUAL)


def ask(*said: str, **fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": text} for text in said], **fields}
    return msgspec.convert(body, schema.ChatRequest)


async def held(bench: Bench, session: str) -> list[tuple[str, str]]:
    return [(one.role, one.content) for one in await bench.services.sessions.recall(ANN, session)]


async def test_a_session_holds_what_was_said_once_it_was_said(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    async with remembering.chat(bench.services, ANN, ask("a b"), session) as under_way:
        await under_way.whole()
        assert await held(bench, session) == [("user", "a b"), ("assistant", "ab")]
    async with remembering.chat(bench.services, ANN, ask("c", stream=True), session) as under_way:
        async for _ in under_way.chunks():
            pass
    assert await held(bench, session) == [
        ("user", "a b"),
        ("assistant", "ab"),
        ("user", "c"),
        ("assistant", "c"),
    ]
    last = (await bench.services.sessions.recall(ANN, session))[-1]
    assert (last.tokens, last.metadata_info) == (1, {"finish_reason": "stop"})


async def test_the_model_reads_what_was_said_before(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    await bench.services.sessions.add(ANN, session, NewMessage(role="user", content="first"))
    await bench.services.sessions.add(ANN, session, NewMessage(role="assistant", content="second"))
    async with remembering.chat(bench.services, ANN, ask("third"), session) as under_way:
        await under_way.whole()
    prompt = bench.starts.workers[0].asked[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    assert [message["content"] for message in prompt.messages] == ["first", "second", "third"]


async def test_a_session_continues_none_of_its_answers(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    talk = [{"role": "user", "content": "first"}, {"role": "assistant", "content": "second"}]
    async with remembering.chat(bench.services, ANN, ask(messages=talk), session) as under_way:
        await under_way.whole()
    prompt = bench.starts.workers[0].asked[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    assert prompt.continue_final_message is False
    wish = ask("third", continue_final_message=True)
    with pytest.raises(InvalidRequest) as caught:
        async with remembering.chat(bench.services, ANN, wish, session):
            pass
    assert caught.value.param == "continue_final_message"


async def test_an_answer_that_broke_off_is_kept_as_far_as_it_came(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id

    async def read() -> None:
        async with remembering.chat(bench.services, ANN, ask("a b", stream=True), session) as going:
            worker = bench.starts.workers[0]
            async for chunk in going.chunks():
                if going.text == "a":
                    worker.hold()
                    reached.set()
                assert chunk

    reached = asyncio.Event()
    reading = asyncio.ensure_future(read())
    await reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    kept = await bench.services.sessions.recall(ANN, session)
    assert [(one.role, one.content) for one in kept] == [("user", "a b"), ("assistant", "a")]
    assert kept[-1].metadata_info == {"finish_reason": "cancelled", "partial": True}
    assert bench.starts.workers[0].running == 0


async def test_what_was_not_answered_at_all_is_not_kept(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    bench.starts.poison = "a b"
    with pytest.raises(WorkerDied):
        async with remembering.chat(bench.services, ANN, ask("a b"), session) as under_way:
            await under_way.whole()
    assert await held(bench, session) == []


async def test_sessions_of_others_are_not_there(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    for wrong in (session, "nonsense", "../etc/passwd", "' OR 1=1 --", "x" * 10_000, "\0"):
        with pytest.raises(NotFound):
            async with remembering.chat(bench.services, BOB, ask("a"), wrong):
                pass
    with pytest.raises(ModelNotFound):
        async with remembering.chat(bench.services, ANN, ask("a", model="nobody"), session):
            pass


async def test_a_session_knows_which_model_answered_last(bench: Bench) -> None:
    sessions = bench.services.sessions
    bench.store.copy("llmd-tiny", "other")
    session = (await sessions.create(ANN)).id
    for name, known in (("other", "other"), (None, "other"), ("llmd-tiny", "llmd-tiny")):
        asked = ask("a", model=name)
        async with remembering.chat(bench.services, ANN, asked, session) as under_way:
            await under_way.whole()
        assert (await sessions.get(ANN, session)).model == known
        told = (await sessions.recall(ANN, session))[-1].metadata_info
        assert told.get("model") == name


async def test_a_disk_that_is_full_is_told_and_not_passed_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = (await bench.services.sessions.create(ANN)).id

    async def full(*_arguments: object) -> list[object]:
        raise NoRoom("The disk is full.")

    monkeypatch.setattr(bench.services.sessions, "add_many", full)
    with pytest.raises(NoRoom):
        async with remembering.chat(bench.services, ANN, ask("a"), session) as under_way:
            await under_way.whole()


async def test_prompts_that_outgrow_the_context_lose_their_beginning(bench: Bench) -> None:
    session = (await bench.services.sessions.create(ANN)).id
    async with remembering.chat(bench.services, ANN, ask("a"), session) as under_way:
        await under_way.whole()
    wish = ask("a", context_overflow="error")
    async with remembering.chat(bench.services, ANN, wish, session) as under_way:
        await under_way.whole()
    found = [asked.overflow for asked in bench.starts.workers[0].asked]
    assert found == ["truncate", "error"]
