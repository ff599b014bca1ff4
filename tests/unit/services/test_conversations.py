from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, NotFound
from llmd.protocol.callers import EVERYTHING, USUAL, Caller
from llmd.protocol.sessions import Addition, NewMessage, Picture, Session
from llmd.services.conversations import Conversations
from llmd.services.sessions import LONGEST_PAGE, Sessions
from llmd.storage.conversations import ConversationRepository
from llmd.storage.sessions import SessionRepository
from tests.fakes.databases import database as open_database

ANNA = Caller(user="anna", scopes=USUAL)
BERT = Caller(user="bert", scopes=USUAL)
ADMIN = Caller(user="root", scopes=EVERYTHING)
NOWHERE = "00000000-0000-4000-8000-000000000000"
RED = Picture("image/png", b"\x89PNG red")


class Kept:
    """Conversations over a database of their own."""

    def __init__(self, folder: Path) -> None:
        ticks = count(1000)
        self.database = open_database(folder)
        self.sessions = Sessions(SessionRepository(self.database), lambda: float(next(ticks)))
        repository = ConversationRepository(self.database)
        self.conversations = Conversations(self.sessions, repository, lambda: float(next(ticks)))

    async def said(self, session: Session, total: int) -> list[str]:
        new = [
            NewMessage(role=("user", "assistant")[number % 2], content=f"{number}")
            for number in range(total)
        ]
        return [one.id for one in await self.sessions.add_many(ANNA, session.id, new)]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    made = Kept(tmp_path)
    yield made
    await made.sessions.close()
    await made.database.close()


async def test_a_conversation_is_read_from_its_end(kept: Kept) -> None:
    one = await kept.sessions.create(ANNA)
    ids = await kept.said(one, 10)
    leaf = kept.conversations.leaf
    last = await leaf(ANNA, one.id, limit=4)
    assert ([message.content for message in last.messages], last.more) == (
        ["6", "7", "8", "9"],
        True,
    )
    middle = await leaf(ANNA, one.id, last.messages[0].id, 4)
    assert [message.content for message in middle.messages] == ["2", "3", "4", "5"]
    first = await leaf(ANNA, one.id, middle.messages[0].id.upper(), 4)
    assert ([message.content for message in first.messages], first.more) == (["0", "1"], False)
    assert (await leaf(ANNA, one.id, ids[0])).messages == []
    exact = await leaf(ANNA, one.id, limit=10)
    assert (len(exact.messages), exact.more) == (10, False)


async def test_leaves_of_others_and_of_no_size_are_refused(kept: Kept) -> None:
    one = await kept.sessions.create(ANNA)
    ids = await kept.said(one, 2)
    for session, before in ((NOWHERE, ""), ("'", ""), (one.id, NOWHERE), (one.id, "%")):
        with pytest.raises(NotFound):
            await kept.conversations.leaf(ANNA, session, before)
    with pytest.raises(NotFound):
        await kept.conversations.leaf(BERT, one.id, ids[1])
    for limit in (0, -1, LONGEST_PAGE + 1):
        with pytest.raises(InvalidRequest):
            await kept.conversations.leaf(ANNA, one.id, limit=limit)


async def test_all_of_it_is_read_some_at_a_time(kept: Kept) -> None:
    one = await kept.sessions.create(ANNA)
    await kept.said(one, 1100)
    found = [len(some) async for some in kept.conversations.read(ANNA, one.id)]
    assert found == [500, 500, 100]


async def test_a_branch_belongs_to_who_made_it(kept: Kept) -> None:
    one = await kept.sessions.create(ANNA, "Trip", "tiny")
    ids = await kept.said(one, 4)
    made = await kept.conversations.branch(ANNA, one.id, ids[2])
    assert (made.title, made.model, made.owner) == ("Trip", "tiny", "anna")
    assert made.id != one.id
    assert made.created_at > one.created_at
    assert [line["content"] for line in await kept.sessions.history(ANNA, made.id)] == ["0", "1"]
    assert (await kept.sessions.list(ANNA))[0] == made
    copied = await kept.conversations.branch(ADMIN, one.id, ids[1])
    assert copied.owner == "root"
    for caller, session, before in (
        (BERT, one.id, ids[2]),
        (ANNA, NOWHERE, ids[2]),
        (ANNA, one.id, NOWHERE),
        (ANNA, one.id, "' OR 1=1 --"),
    ):
        with pytest.raises(NotFound):
            await kept.conversations.branch(caller, session, before)


async def test_pictures_are_found_by_their_message(kept: Kept) -> None:
    one = await kept.sessions.create(ANNA)
    asked = NewMessage(role="user", content="What is that?")
    also = Addition(pictures={0: [RED, RED]})
    message = (await kept.sessions.add_many(ANNA, one.id, [asked], also))[0]
    found = kept.conversations
    assert await found.picture(ANNA, one.id, message.id, 1) == RED
    assert await found.pictures(ANNA, one.id, 9) == {message.id: [RED, RED]}
    assert await found.pictures(BERT, one.id, 9) == {}
    for caller, identity, place in (
        (BERT, message.id, 0),
        (ANNA, message.id, 2),
        (ANNA, NOWHERE, 0),
        (ANNA, "%", 0),
    ):
        with pytest.raises(NotFound):
            await found.picture(caller, one.id, identity, place)
