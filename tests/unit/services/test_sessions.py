from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from llmd.errors import InvalidRequest, NoRoom, NotFound
from llmd.protocol.callers import EVERYTHING, USUAL, Caller
from llmd.protocol.sessions import NewMessage
from llmd.services.sessions import LONGEST_PAGE, LONGEST_TITLE, Sessions
from llmd.storage import Database
from llmd.storage.sessions import SessionRepository
from llmd.storage.tables.sessions import sessions as table
from tests.fakes.databases import database as open_database
from tests.fakes.moments import moment

OWNER = Caller(owner=True)
ANNA = Caller(user="anna", scopes=USUAL)
BERT = Caller(user="bert", scopes=USUAL)
ADMIN = Caller(user="root", scopes=EVERYTHING)
STRANGER = Caller(scopes=USUAL, address="127.0.0.1")
PROGRAM = Caller(key="k1", scopes=USUAL)

COUNT = text("SELECT count(*) FROM messages")

HOSTILE = [
    "../../etc/passwd",
    "' OR 1=1 --",
    "%",
    "",
    "\0",
    "x" * 10_000,
    "00000000-0000-4000-8000-00000000000\N{FULLWIDTH DIGIT ZERO}",
    "00000000-0000-4000-8000-000000000000\n",
    "\ud800",
    "00000000-0000-4000-8000-000000000000",
]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = open_database(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def sessions(database: Database) -> AsyncIterator[Sessions]:
    ticks = count(1000)
    made = Sessions(SessionRepository(database), lambda: float(next(ticks)))
    yield made
    await made.close()


def user(content: str) -> NewMessage:
    return NewMessage(role="user", content=content)


def bot(content: str) -> NewMessage:
    return NewMessage(role="assistant", content=content)


async def test_a_conversation_is_kept_and_read_again(sessions: Sessions) -> None:
    made = await sessions.create(ANNA, "新会话", "tiny")
    assert (made.title, made.model, made.owner, made.is_active) == ("新会话", "tiny", "anna", True)
    first = await sessions.add(
        ANNA, made.id, NewMessage(role="user", content="你好", tokens=2, metadata_info={"a": [1]})
    )
    assert (first.session_id, first.tokens, first.metadata_info) == (made.id, 2, {"a": [1]})
    await sessions.add_many(ANNA, made.id, [bot("Hi \0 😀"), user("'; DROP TABLE messages; --")])
    assert await sessions.history(ANNA, made.id) == [
        {"role": "user", "content": "你好"},
        {"role": "assistant", "content": "Hi \0 😀"},
        {"role": "user", "content": "'; DROP TABLE messages; --"},
    ]
    assert (await sessions.messages(ANNA, made.id))[0] == first
    assert await sessions.count(ANNA, made.id) == 3
    found = await sessions.get(ANNA, made.id.upper())
    assert found.created_at < found.updated_at


async def test_the_newest_messages_are_recalled_with_all_that_was_kept(sessions: Sessions) -> None:
    one = await sessions.create(ANNA)
    said = [
        NewMessage(role="user", content=str(number), tokens=number, metadata_info={"n": number})
        for number in range(5)
    ]
    kept = await sessions.add_many(ANNA, one.id, said)
    assert await sessions.recall(ANNA, one.id) == kept
    assert await sessions.recall(ANNA, one.id, 2) == kept[3:]
    assert await sessions.recall(ANNA, one.id, 2, kept[3].id.upper()) == kept[1:3]
    assert await sessions.recall(ANNA, one.id, 2, kept[0].id) == []
    with pytest.raises(NotFound):
        await sessions.recall(BERT, one.id)
    for wrong in HOSTILE[:3] + HOSTILE[-1:]:
        with pytest.raises(NotFound, match="message"):
            await sessions.recall(ANNA, one.id, 2, wrong)


async def test_the_first_question_is_the_title(sessions: Sessions) -> None:
    made = await sessions.create(ANNA)
    await sessions.add_many(
        ANNA, made.id, [NewMessage(role="system", content="Be brief."), user("Where\nis it?")]
    )
    await sessions.add(ANNA, made.id, user("And now?"))
    assert (await sessions.get(ANNA, made.id)).title == "Where is it?"


async def test_callers_see_what_is_theirs(sessions: Sessions) -> None:
    made = {
        name: await sessions.create(caller, name)
        for name, caller in {
            "anna": ANNA, "bert": BERT, "nobody": STRANGER, "program": PROGRAM, "owner": OWNER,
        }.items()
    }  # fmt: skip

    async def seen(caller: Caller) -> list[str]:
        return sorted(one.title for one in await sessions.list(caller))

    assert await seen(ANNA) == ["anna"]
    assert await seen(PROGRAM) == ["program"]
    assert await seen(STRANGER) == ["nobody", "owner"]
    assert await seen(OWNER) == await seen(ADMIN) == sorted(made)
    with pytest.raises(NotFound):
        await sessions.get(BERT, made["anna"].id)
    assert (await sessions.get(ADMIN, made["anna"].id)).owner == "anna"


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_ids_that_are_none_are_not_there(sessions: Sessions, name: str) -> None:
    await sessions.create(ANNA, "x")
    calls = [
        sessions.get(ANNA, name),
        sessions.update(ANNA, name, title="y"),
        sessions.delete(ANNA, name),
        sessions.add(ANNA, name, user("x")),
        sessions.add_many(ANNA, name, []),
        sessions.messages(ANNA, name),
        sessions.history(ANNA, name),
        sessions.count(ANNA, name),
    ]
    for call in calls:
        with pytest.raises(NotFound) as caught:
            await call
        assert len(caught.value.message) < 200
    assert [one.title for one in await sessions.list(ANNA)] == ["x"]


async def test_a_session_is_found_by_name(sessions: Sessions) -> None:
    one = await sessions.create(ANNA, "Trip/../to 北京 ' %")
    assert await sessions.find(ANNA, one.id) == one
    assert await sessions.find(ANNA, one.id[:6].upper()) == one
    assert await sessions.find(ANNA, one.title) == one
    for name in ("%", "Trip", "", "abc"):
        with pytest.raises(NotFound):
            await sessions.find(ANNA, name)
    with pytest.raises(NotFound):
        await sessions.find(BERT, one.title)


async def test_a_beginning_that_fits_several_ids_is_not_guessed(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end in "ab":
        monkeypatch.setattr(
            "llmd.services.sessions.uuid4",
            lambda end=end: f"12345678-0000-4000-8000-00000000000{end}",
        )
        await sessions.create(ANNA)
    with pytest.raises(InvalidRequest, match="Several sessions"):
        await sessions.find(ANNA, "12345678")


async def test_what_is_given_is_changed_and_the_rest_stays(sessions: Sessions) -> None:
    made = await sessions.create(ANNA, "a", "tiny")
    changed = await sessions.update(ANNA, made.id, title=" b ")
    assert (changed.title, changed.model, changed.is_active) == ("b", "tiny", True)
    changed = await sessions.update(ANNA, made.id, is_active=False, model="other")
    assert (changed.title, changed.model, changed.is_active) == ("b", "other", False)
    assert changed.updated_at > made.updated_at
    assert await sessions.list(ANNA) == []
    assert await sessions.list(ANNA, active_only=False) == [changed]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (NewMessage(role="nobody", content="x"), "role"),
        (NewMessage(role="", content="x"), "role"),
        (NewMessage(role="user", content="\ud800"), "content"),
        (NewMessage(role="user", content="x", tokens=-1), "tokens"),
        (NewMessage(role="user", content="x", tokens=2**31), "tokens"),
    ],
)
async def test_one_message_that_cannot_be_keeps_all_out(
    sessions: Sessions, message: NewMessage, param: str
) -> None:
    made = await sessions.create(ANNA)
    with pytest.raises(InvalidRequest) as caught:
        await sessions.add_many(ANNA, made.id, [user("fine"), message])
    assert caught.value.param == param
    assert await sessions.history(ANNA, made.id) == []


@pytest.mark.parametrize("title", ["x" * (LONGEST_TITLE + 1), "a\0b", "\udfff"])
async def test_titles_that_cannot_be_are_refused(sessions: Sessions, title: str) -> None:
    made = await sessions.create(ANNA, "x" * LONGEST_TITLE)
    for call in (sessions.create(ANNA, title), sessions.update(ANNA, made.id, title=title)):
        with pytest.raises(InvalidRequest) as caught:
            await call
        assert caught.value.param == "title"


@pytest.mark.parametrize(
    ("skip", "limit", "param"),
    [(-1, 1, "skip"), (2**63, 1, "skip"), (0, 0, "limit"), (0, LONGEST_PAGE + 1, "limit")],
)
async def test_pages_that_cannot_be_are_refused(
    sessions: Sessions, skip: int, limit: int, param: str
) -> None:
    made = await sessions.create(ANNA)
    for call in (sessions.list(ANNA, skip, limit), sessions.messages(ANNA, made.id, skip, limit)):
        with pytest.raises(InvalidRequest) as caught:
            await call
        assert caught.value.param == param


async def test_a_deleted_session_is_gone_at_once_and_its_rows_soon(
    sessions: Sessions, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.services.sessions._PURGED_AT_ONCE", 10)
    made = [await sessions.create(ANNA, "x") for _ in range(3)]
    for one in made:
        await sessions.add_many(ANNA, one.id, [user(f"{number}") for number in range(35)])
    for one in made[:2]:
        await sessions.delete(ANNA, one.id)
        with pytest.raises(NotFound):
            await sessions.history(ANNA, one.id)
    repository = SessionRepository(database)
    async with asyncio.timeout(20):
        while await repository.purge(1):
            await asyncio.sleep(0.01)
    assert len(await sessions.history(ANNA, made[2].id)) == 35
    with pytest.raises(NotFound):
        await sessions.delete(ANNA, made[0].id)


async def test_the_next_daemon_goes_on_with_what_was_being_deleted(
    sessions: Sessions, database: Database
) -> None:
    made = await sessions.create(ANNA, "x")
    await sessions.add(ANNA, made.id, user("x"))
    repository = SessionRepository(database)
    await repository.doom(None, made.id)
    sessions.start()
    async with asyncio.timeout(20), database.reading() as connection:
        while await connection.scalar(COUNT):
            await connection.rollback()
            await asyncio.sleep(0.01)


async def test_deleting_on_a_full_disk_ends_without_noise(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: SessionRepository, _limit: int) -> bool:
        raise NoRoom("The disk is full.")

    monkeypatch.setattr(SessionRepository, "purge", full)
    made = await sessions.create(ANNA, "x")
    await sessions.delete(ANNA, made.id)
    await sessions.close()


async def test_ten_thousand_sessions(sessions: Sessions, database: Database) -> None:
    # of two people in turns, with metacharacters in each title; one by one they would take a while
    titles = [f"{number} '\"%_\\;--" for number in range(10_000)]
    rows = [
        {
            "id": str(UUID(int=number << 96)),
            "owner": ("anna", "bert")[number % 2],
            "title": title,
            "created_at": 1.0,
            "updated_at": 1.0,
        }
        for number, title in enumerate(titles)
    ]
    async with database.writing() as connection:
        await connection.execute(insert(table), rows)
    found = [
        one.title
        for skip in range(0, 6000, LONGEST_PAGE)
        for one in await sessions.list(ANNA, skip, LONGEST_PAGE)
    ]
    assert found == titles[::2][::-1]
    one = await sessions.find(BERT, titles[4321])
    assert one.id.startswith("000010e1-")
    assert await sessions.find(BERT, "000010e1") == one
    assert len(await sessions.list(OWNER, 9_990, 100)) == 10


async def test_a_conversation_is_cut_by_those_who_see_it(sessions: Sessions) -> None:
    made = await sessions.create(ANNA)
    kept = await sessions.add_many(ANNA, made.id, [user("a"), user("b"), user("c")])
    with pytest.raises(NotFound):
        await sessions.cut(BERT, made.id, kept[1].id)
    for hostile in HOSTILE:
        with pytest.raises(NotFound):
            await sessions.cut(ANNA, made.id, hostile)
        with pytest.raises(NotFound):
            await sessions.cut(ANNA, hostile, kept[1].id)
    assert await sessions.cut(ANNA, made.id, kept[1].id.upper()) == 2
    assert await sessions.messages(ANNA, made.id) == kept[:1]


async def test_sessions_are_searched_by_words(sessions: Sessions) -> None:
    made = await sessions.create(ANNA, "Plans")
    await sessions.add(ANNA, made.id, user("Where is it warm?"))
    assert [one.id for one in await sessions.list(ANNA, words=" warm ")] == [made.id]
    assert await sessions.list(BERT, words="warm") == []
    for words in ("\0", "x" * (LONGEST_TITLE + 1), "\ud800"):
        with pytest.raises(InvalidRequest):
            await sessions.list(ANNA, words=words)


async def test_what_is_being_kept_comes_to_its_end_before_all_is_closed(
    sessions: Sessions,
) -> None:
    go, done = asyncio.Event(), []

    async def work() -> None:
        await go.wait()
        done.append("kept")

    sessions.finish(work())
    closing = asyncio.ensure_future(sessions.close())
    await moment()
    assert not closing.done()
    go.set()
    await closing
    assert done == ["kept"]
