from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from llmd.protocol.sessions import Session, SessionMessage
from llmd.storage import Database
from llmd.storage.sessions import SessionRepository
from llmd.storage.tables.sessions import messages, sessions
from tests.fakes.databases import database as open_database


@pytest.fixture
def repository(database: Database) -> SessionRepository:
    return SessionRepository(database)


def session(title: str = "", owner: str = "", at: float = 1.0) -> Session:
    return Session(
        id=str(uuid.uuid4()), title=title, owner=owner, created_at=at, updated_at=at, model="m"
    )


def said(session: Session, *contents: str, at: float = 2.0) -> list[SessionMessage]:
    return [
        SessionMessage(
            id=str(uuid.uuid4()),
            session_id=session.id,
            role="user",
            content=content,
            created_at=at,
            metadata_info={"n": 1},
        )
        for content in contents
    ]


async def kept(repository: SessionRepository, one: Session, *contents: str) -> Session:
    await repository.create(one)
    if contents:
        assert await repository.add(None, one.id, said(one, *contents), "")
    return one


def titles(found: Sequence[Session]) -> list[str]:
    return [one.title for one in found]


async def test_a_session_comes_back_as_it_was_kept(repository: SessionRepository) -> None:
    one = await kept(repository, session("'; DROP TABLE sessions; --", owner="me", at=1.25))
    assert await repository.get("me", one.id) == one
    assert await repository.get(None, one.id) == one
    assert await repository.get("you", one.id) is None
    assert await repository.get("me", "nothing") is None


async def test_messages_come_back_in_their_order_though_the_clock_stood_still(
    repository: SessionRepository,
) -> None:
    one = await kept(repository, session())
    new = said(one, *(f"{number}" for number in range(50)))
    assert await repository.add("", one.id, new[:20], "")
    assert await repository.add("", one.id, new[20:], "")
    assert await repository.messages("", one.id, 0, 100) == new
    assert await repository.messages("", one.id, 45, 100) == new[45:]
    assert await repository.messages("", one.id, 10, 3) == new[10:13]
    assert await repository.messages("", one.id, 50, 3) == []
    assert await repository.history("", one.id) == [
        {"role": "user", "content": f"{number}"} for number in range(50)
    ]
    assert await repository.count(one.id) == 50
    recalled = await repository.recall("", one.id, 3)
    assert [message.content for message in recalled or ()] == ["47", "48", "49"]
    assert await repository.recall("you", one.id, 3) is None


async def test_a_session_of_somebody_else_can_neither_be_read_nor_changed(
    repository: SessionRepository,
) -> None:
    one = await kept(repository, session("mine", owner="me"), "hello")
    assert await repository.messages("you", one.id, 0, 9) is None
    assert await repository.history("you", one.id) is None
    assert not await repository.add("you", one.id, said(one, "x"), "")
    assert await repository.update("you", one.id, {"title": "yours"}) is None
    assert not await repository.doom("you", one.id)
    assert await repository.list("you", 0, 9, active_only=False) == []
    assert await repository.named("you", "mine", one.id[:8]) == []
    assert await repository.count(one.id) == 1


async def test_a_session_without_title_gets_one_once(repository: SessionRepository) -> None:
    one = await kept(repository, session())
    await repository.add("", one.id, said(one, "a", at=5.0), "")
    await repository.add("", one.id, said(one, "b", at=6.0), "first")
    await repository.add("", one.id, said(one, "c", at=7.0), "second")
    found = await repository.get("", one.id)
    assert found
    assert (found.title, found.updated_at, found.created_at) == ("first", 7.0, 1.0)


async def test_lists_begin_with_what_changed_last(repository: SessionRepository) -> None:
    for number in range(5):
        await kept(repository, session(f"{number}", owner="me", at=float(number)))
    await kept(repository, session("other", owner="you", at=9.0))
    oldest = (await repository.list("me", 4, 1, active_only=True))[0]
    await repository.update("me", oldest.id, {"updated_at": 8.0, "is_active": False})
    assert titles(await repository.list("me", 0, 9, active_only=False)) == ["0", "4", "3", "2", "1"]
    assert titles(await repository.list("me", 0, 9, active_only=True)) == ["4", "3", "2", "1"]
    assert titles(await repository.list("me", 1, 2, active_only=True)) == ["3", "2"]
    assert titles(await repository.list(None, 0, 2, active_only=False)) == ["other", "0"]


async def test_sessions_of_one_moment_are_listed_in_a_steady_order(
    repository: SessionRepository,
) -> None:
    for number in range(10):
        await kept(repository, session(f"{number}", at=1.0))
    pages = [await repository.list("", skip, 3, active_only=True) for skip in range(0, 10, 3)]
    assert [one.title for page in pages for one in page] == [f"{9 - at}" for at in range(10)]


async def test_a_session_is_found_by_how_its_id_begins_or_by_its_title(
    repository: SessionRepository,
) -> None:
    one = await kept(repository, session("Trip", at=1.0))
    other = await kept(repository, session("Trip", at=2.0))
    assert await repository.named("", "Trip", "") == [other]
    assert await repository.named("", one.id[:9], one.id[:9]) == [one]
    assert await repository.named("", "%", "") == []
    assert await repository.named("", "Trip", "no such beginning") == [other]


async def test_a_doomed_session_is_gone_before_its_rows_are(
    repository: SessionRepository, database: Database
) -> None:
    one = await kept(repository, session("old"), *(["x"] * 25))
    stays = await kept(repository, session("new"), "y")
    assert await repository.doom("", one.id)
    assert not await repository.doom("", one.id)
    assert await repository.get(None, one.id) is None
    assert not await repository.add(None, one.id, said(one, "x"), "")
    assert await repository.list(None, 0, 9, active_only=False) == [
        await repository.get("", stays.id)
    ]
    turns = 0
    while await repository.purge(10):
        turns += 1
    assert turns == 3
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(messages)) == 1
        assert await connection.scalar(select(func.count()).select_from(sessions)) == 1


async def test_what_was_deleted_cannot_be_read_out_of_the_file(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    repository = SessionRepository(database)
    one = await kept(repository, session("TITLE-OF-IT"), "SAID-IN-IT " * 5, "LONG-IN-IT " * 5000)
    await repository.doom(None, one.id)
    while await repository.purge(10):
        pass
    await database.close()
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [word for word in (b"TITLE-OF-IT", b"SAID-IN-IT", b"LONG-IN-IT") if word in left] == []


async def test_rows_of_a_session_go_with_it(
    repository: SessionRepository, database: Database
) -> None:
    one = await kept(repository, session(), "a", "b")
    async with database.writing() as connection:
        await connection.execute(text("DELETE FROM sessions WHERE id = :id"), {"id": one.id})
        assert await connection.scalar(select(func.count()).select_from(messages)) == 0


async def test_two_daemons_that_write_one_session_lose_nothing_and_mix_nothing(
    place: str | Path,
) -> None:
    mine, other = Database(place), Database(place)
    repository = SessionRepository(mine)
    one = await kept(repository, session())
    second = SessionRepository(other)

    async def talk(repository: SessionRepository, who: str) -> None:
        for number in range(20):
            pair = said(one, f"{who}{number}?", f"{who}{number}!")
            assert await repository.add("", one.id, pair, "")

    await asyncio.gather(talk(repository, "a"), talk(second, "b"))
    lines = [line["content"] for line in await repository.history("", one.id) or []]
    assert len(lines) == 80
    assert [a[:-1] for a in lines[::2]] == [b[:-1] for b in lines[1::2]]
    for who in "ab":
        assert [line for line in lines if line[0] == who] == [
            f"{who}{number}{end}" for number in range(20) for end in "?!"
        ]
    await mine.close()
    await other.close()


async def test_a_life_in_either_database(place: str | Path) -> None:
    database = Database(place)
    repository = SessionRepository(database)
    one = await kept(repository, session("", owner="me"), "你好 😀 '; --", "b", "c")
    assert await repository.add("me", one.id, said(one, "d", at=9.0), "A title")
    found = await repository.get("me", one.id)
    assert found
    assert (found.title, found.updated_at) == ("A title", 9.0)
    assert await repository.list("me", 0, 5, active_only=True) == [found]
    assert await repository.named("me", "", one.id[:8]) == [found]
    lines = await repository.messages("me", one.id, 1, 2)
    assert [line.content for line in lines or ()] == ["b", "c"]
    history = await repository.history("me", one.id)
    assert [line["content"] for line in history or ()] == ["你好 😀 '; --", "b", "c", "d"]
    assert await repository.doom("me", one.id)
    while await repository.purge(2):
        pass
    assert await repository.list(None, 0, 5, active_only=False) == []
    await database.close()


async def test_pages_are_found_in_the_indices_alone(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    plans = {
        "SELECT number FROM sessions WHERE owner = 'x' AND doomed IS 0 AND is_active IS 1 "
        "ORDER BY updated_at DESC, number DESC LIMIT 9 OFFSET 9": "COVERING INDEX ix_sessions_owner_recent",
        "SELECT number FROM sessions WHERE doomed IS 0 AND is_active IS 1 "
        "ORDER BY updated_at DESC, number DESC LIMIT 9 OFFSET 9": "COVERING INDEX ix_sessions_recent",
        "SELECT number FROM messages WHERE session = 1 ORDER BY number LIMIT 9 OFFSET 9": "COVERING INDEX ix_messages_session",
    }
    async with database.reading() as connection:
        for query, index in plans.items():
            plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))).all()
            assert len(plan) == 1, plan
            assert index in plan[0][3]
    await database.close()


async def test_words_are_found_in_titles_and_messages_as_they_stand(
    repository: SessionRepository,
) -> None:
    await kept(repository, session("Holiday plans", at=1), "Where is it warm?")
    await kept(repository, session("Work", at=2), "a 100% sure thing", "你好 世界")
    await kept(repository, session("Other", owner="you", at=3), "holiday")

    async def found(words: str, owner: str | None = "") -> list[str]:
        page = await repository.list(owner, 0, 9, active_only=True, words=words)
        return titles(page)

    assert await found("HOLIDAY") == ["Holiday plans"]
    assert await found("holiday", None) == ["Other", "Holiday plans"]
    assert await found("100%") == await found("世界") == ["Work"]
    assert await found("%") == ["Work"]
    assert await found("w_rm") == []


async def test_a_message_is_cut_off_with_all_after_it(repository: SessionRepository) -> None:
    one, other = session(owner="me"), session(owner="me")
    await kept(repository, one)
    await kept(repository, other, "elsewhere")
    all_said = said(one, "a", "b", "c")
    assert await repository.add("me", one.id, all_said, "")
    assert await repository.cut("you", one.id, all_said[1].id) is None
    assert await repository.cut("me", other.id, all_said[1].id) is None
    assert await repository.cut("me", one.id, all_said[1].id) == 2
    assert await repository.cut("me", one.id, all_said[1].id) is None
    assert [found.content for found in await repository.messages("me", one.id, 0, 9) or []] == ["a"]
    assert await repository.count(other.id) == 1
