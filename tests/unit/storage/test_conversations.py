from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from llmd.protocol.sessions import Addition, Picture, Session, SessionMessage
from llmd.storage import Database
from llmd.storage.conversations import ConversationRepository
from llmd.storage.sessions import SessionRepository
from llmd.storage.tables.sessions import messages, pictures, sessions

NOTHING_ELSE = Addition()
RED, BLUE = Picture("image/png", b"\x89PNG red"), Picture("image/jpeg", b"\xff\xd8 blue")


class Kept:
    """Sessions of a database, and what is done with them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sessions = SessionRepository(database)
        self.conversations = ConversationRepository(database)

    async def session(self, title: str = "", owner: str = "") -> Session:
        made = Session(id=str(uuid4()), title=title, owner=owner, created_at=1.0, updated_at=1.0)
        await self.sessions.create(made)
        return made

    async def say(
        self, session: Session, *said: tuple[str, str], also: Addition = NOTHING_ELSE
    ) -> Sequence[SessionMessage]:
        new = [
            SessionMessage(
                id=str(uuid4()), session_id=session.id, role=role, content=content, created_at=2.0
            )
            for role, content in said
        ]
        assert await self.sessions.add(session.owner, session.id, new, "", also)
        return new

    async def said(self, session: Session) -> list[tuple[str, str]]:
        found = await self.sessions.recall(None, session.id, 100)
        return [(one.role, one.content) for one in found or ()]

    async def count(self, table: object) -> int:
        async with self.database.reading() as connection:
            return int(await connection.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]  # any table


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


def branched(owner: str = "", title: str = "Trip") -> Session:
    return Session(id=str(uuid4()), title=title, owner=owner, created_at=9.0, updated_at=9.0)


async def test_a_branch_has_what_was_said_before_and_leaves_the_rest(kept: Kept) -> None:
    other = await kept.session("other")
    await kept.say(other, ("user", "elsewhere"))
    one = await kept.session("Trip")
    old = await kept.say(one, ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    made = branched()
    assert await kept.conversations.branch("", one.id, old[2].id, made) == made
    assert await kept.said(made) == [("user", "a"), ("assistant", "b")]
    assert len(await kept.said(one)) == 4
    copies = await kept.sessions.recall("", made.id, 9) or []
    assert [copy.id for copy in copies] == [message.id for message in old[:2]]
    assert all(copy.session_id == made.id for copy in copies)
    await kept.say(made, ("user", "e"))
    assert await kept.said(made) == [("user", "a"), ("assistant", "b"), ("user", "e")]


async def test_a_branch_in_which_nothing_is_asked_yet_has_no_title(kept: Kept) -> None:
    one = await kept.session("Trip")
    old = await kept.say(one, ("system", "Be brief."), ("user", "a"))
    found = await kept.conversations.branch("", one.id, old[1].id, branched())
    assert found is not None
    assert found.title == ""
    assert await kept.said(found) == [("system", "Be brief.")]
    assert await kept.conversations.branch("", one.id, old[0].id, empty := branched()) is not None
    assert await kept.said(empty) == []


async def test_nothing_is_branched_off_what_is_not_there_or_not_seen(kept: Kept) -> None:
    one, other = await kept.session("mine", "me"), await kept.session("other", "me")
    said = await kept.say(one, ("user", "a"))
    assert await kept.conversations.branch("you", one.id, said[0].id, branched("you")) is None
    assert await kept.conversations.branch("me", other.id, said[0].id, branched("me")) is None
    assert await kept.conversations.branch("me", one.id, str(uuid4()), branched("me")) is None
    assert await kept.count(sessions) == 2
    assert await kept.conversations.branch(None, one.id, said[0].id, branched("me")) is not None


async def test_pictures_are_kept_with_their_message_and_copied_with_it(kept: Kept) -> None:
    one = await kept.session()
    first = await kept.say(one, ("user", "x"), also=Addition(pictures={0: [RED, BLUE]}))
    second = await kept.say(
        one, ("user", "y"), ("assistant", "z"), also=Addition(pictures={0: [RED]})
    )
    assert await kept.conversations.picture("", one.id, first[0].id, 1) == BLUE
    assert await kept.conversations.picture("", one.id, second[0].id, 0) == RED
    for message, place in ((first[0].id, 2), (first[0].id, -1), (second[1].id, 0), ("no", 0)):
        assert await kept.conversations.picture("", one.id, message, place) is None
    assert await kept.conversations.picture("you", one.id, first[0].id, 0) is None
    assert await kept.conversations.branch("", one.id, second[0].id, made := branched())
    assert await kept.conversations.picture("", made.id, first[0].id, 1) == BLUE
    assert await kept.conversations.picture("", made.id, second[0].id, 0) is None
    assert await kept.count(pictures) == 5


async def test_the_newest_pictures_are_found_as_far_as_there_is_room(kept: Kept) -> None:
    one = await kept.session()
    first = await kept.say(one, ("user", "x"), also=Addition(pictures={0: [RED, BLUE]}))
    second = await kept.say(one, ("user", "y"), also=Addition(pictures={0: [BLUE]}))
    everything = [(first[0].id, RED), (first[0].id, BLUE), (second[0].id, BLUE)]
    found = kept.conversations.pictures
    assert await found("", one.id, 9, 1000) == everything
    assert await found("", one.id, 2, 1000) == everything[1:]
    assert await found("", one.id, 9, 2 * len(BLUE.data)) == everything[1:]
    assert await found("", one.id, 9, len(BLUE.data) - 1) == []
    assert await found("you", one.id, 9, 1000) == []


async def test_an_answer_takes_the_place_of_those_before_it(kept: Kept) -> None:
    one = await kept.session()
    old = await kept.say(one, ("user", "a"), ("assistant", "b"))
    elsewhere = await kept.session()
    foreign = await kept.say(elsewhere, ("user", "stays"))
    gone = [old[1].id, str(uuid4()), foreign[0].id]
    await kept.say(one, ("assistant", "c"), also=Addition(replaced=gone, model="tiny"))
    assert await kept.said(one) == [("user", "a"), ("assistant", "c")]
    assert await kept.said(elsewhere) == [("user", "stays")]
    found = await kept.sessions.get("", one.id)
    assert found is not None
    assert found.model == "tiny"
    await kept.say(one, ("user", "d"))
    assert (await kept.sessions.get("", one.id) or one).model == "tiny"


async def test_pictures_go_with_what_they_belong_to(kept: Kept) -> None:
    one = await kept.session()
    first = await kept.say(one, ("user", "x"), also=Addition(pictures={0: [RED]}))
    await kept.say(one, ("user", "y"), also=Addition(pictures={0: [BLUE]}, replaced=[first[0].id]))
    assert await kept.count(pictures) == 1
    assert await kept.sessions.doom("", one.id)
    assert await kept.conversations.pictures("", one.id, 9, 1000) == []
    while await kept.sessions.purge(10):
        pass
    assert (await kept.count(pictures), await kept.count(messages)) == (0, 0)
