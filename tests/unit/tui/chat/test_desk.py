from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import DaemonUnreachable, InvalidRequest
from llmd.tui.chat.desk import Desk
from llmd.tui.chat.turns import TurnState
from tests.fakes.chat_daemon import ChatDaemon, chunk

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Table:
    """A desk with its daemon, and what it told."""

    def __init__(self) -> None:
        self.daemon = ChatDaemon()
        self.told: list[str] = []
        self.desk = Desk(self.daemon, self.told.append)

    async def ask(self, text: str) -> str:
        talk = self.desk.shown
        talk.say(text)
        turn = self.desk.begin(talk)
        await self.desk.answer(talk, turn, lambda _: None)
        await self.desk.keep(talk)
        return turn.text

    def said(self) -> list[str]:
        return [text for _, text in self.daemon.said(self.desk.shown.session)]


@pytest.fixture
async def table() -> Table:
    made = Table()
    await made.desk.learn()
    return made


async def test_a_question_is_answered_and_kept(table: Table) -> None:
    table.desk.shown.set_system("Be kind.")
    assert await table.ask("Hi") == "An answer."
    asked = table.daemon.asked[0]
    assert asked["model"] == "tiny"
    assert [message["content"] for message in asked["messages"]] == ["Be kind.", "Hi"]
    assert table.said() == ["Be kind.", "Hi", "An answer."]


async def test_models_that_chat_may_be_chosen(table: Table) -> None:
    talk = table.desk.shown
    assert (table.desk.names, table.desk.model(talk)) == (["tiny", "eyes"], "tiny")
    table.desk.choose(talk, "eyes")
    assert table.desk.model(talk) == "eyes"
    with pytest.raises(InvalidRequest, match="no chat model embedder"):
        table.desk.choose(talk, "embedder")


async def test_pictures_need_a_model_that_sees(table: Table, tmp_path: Path) -> None:
    talk, path = table.desk.shown, tmp_path / "a.png"
    path.write_bytes(PNG)
    with pytest.raises(InvalidRequest, match="does not see") as raised:
        table.desk.attach(talk, str(path))
    assert "eyes" in raised.value.hint
    table.desk.choose(talk, "eyes")
    assert table.desk.attach(talk, str(path)) == table.desk.attach(talk, str(path)) == str(path)
    await table.ask("What is it?")
    content = table.daemon.asked[0]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]
    path.unlink()
    await table.ask("And now?")
    assert table.daemon.asked[1]["messages"][0]["content"] == "What is it?"
    assert table.told == [f"Pictures of earlier messages cannot be read any more: {path}"]


async def test_a_kept_talk_goes_on_where_it_was(table: Table) -> None:
    session = table.daemon.keep("Long", *(("user", str(n)) for n in range(100)))
    talk = await table.desk.open(session)
    assert talk.missing == 40
    await table.ask("more")
    assert [m["content"] for m in table.daemon.asked[0]["messages"]] == [
        *(str(n) for n in range(100)),
        "more",
    ]
    assert (await table.desk.open(session)) is talk


async def test_a_talk_with_something_unfinished_stays_open(table: Table) -> None:
    first = table.desk.shown
    await table.ask("Hi")
    first.draft = "half a line"
    second = table.desk.fresh()
    assert second is not first
    assert table.desk.fresh() is second
    assert await table.desk.open(first.session) is first
    first.draft = ""
    table.desk.fresh()
    assert first not in table.desk.talks


async def test_the_last_question_is_said_otherwise_in_place(table: Table) -> None:
    await table.ask("Hi")
    await table.ask("More")
    talk = table.desk.shown
    assert table.desk.branch(talk.turns[2]) is talk
    await table.ask("Other")
    assert table.said() == ["Hi", "An answer.", "Other", "An answer."]
    assert table.told == []


async def test_an_earlier_question_is_said_otherwise_beside_it(table: Table) -> None:
    await table.ask("Hi")
    await table.ask("More")
    before = table.desk.shown
    before.title = "Title"
    fork = table.desk.branch(before.turns[0])
    assert fork is table.desk.shown
    await table.ask("Hello")
    assert table.said() == ["Hello", "An answer."]
    assert len(table.daemon.said(before.session)) == 4
    assert table.told == ["Title stays as it was; this one goes on beside it."]


async def test_what_cannot_be_kept_is_kept_later(table: Table) -> None:
    talk = table.desk.shown
    talk.say("Hi")
    turn = table.desk.begin(talk)
    table.daemon.script = [chunk("Half"), DaemonUnreachable("Gone.")]
    await table.desk.answer(talk, turn, lambda _: None)
    table.daemon.down = True
    with pytest.raises(DaemonUnreachable):
        await table.desk.keep(talk)
    assert table.desk.waiting == {talk}
    table.daemon.down = False
    await table.desk.keep_waiting()
    assert table.desk.waiting == set()
    assert table.daemon.messages[talk.session][1]["metadata_info"]["partial"] is True


async def test_failing_to_fetch_the_rest_fails_the_answer(table: Table) -> None:
    session = table.daemon.keep("Long", *(("user", str(n)) for n in range(100)))
    talk = await table.desk.open(session)
    talk.say("more")
    turn = table.desk.begin(talk)
    table.daemon.down = True
    await table.desk.answer(talk, turn, lambda _: None)
    assert turn.state is TurnState.FAILED
    assert talk.missing == 40


async def test_a_session_deleted_elsewhere_is_kept_anew(table: Table) -> None:
    await table.ask("Hi")
    talk, before = table.desk.shown, table.desk.shown.session
    await table.daemon.delete(f"/control/sessions/{before}")
    await table.ask("More")
    assert talk.session != before
    assert table.said() == ["Hi", "An answer.", "More", "An answer."]
    assert "deleted meanwhile" in table.told[0]


async def test_a_deleted_talk_makes_room_for_an_empty_one(table: Table) -> None:
    await table.ask("Hi")
    shown = table.desk.shown
    other = table.daemon.keep("Other")
    assert not await table.desk.remove(other)
    await table.desk.rename(shown.session, "New")
    assert shown.title == "New"
    assert await table.desk.remove(shown.session)
    assert table.desk.shown.turns == []
    assert table.daemon.sessions == {}
    table.desk.shown.say("never kept")
    assert await table.desk.remove("")
    assert table.desk.shown.turns == []
