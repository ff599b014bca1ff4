from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.answer import Answer
from llmd.cli.conversation import Conversation
from llmd.cli.keeping import Keeping, recall, reminder
from llmd.client.client import Client
from llmd.errors import NoRoom, NotFound
from tests.fakes.daemon import FakeDaemon


@pytest.fixture
def told() -> list[str]:
    """What the person was told."""
    return []


@pytest.fixture
def keeping(daemon: FakeDaemon, told: list[str]) -> Keeping:
    return Keeping(Client(daemon.path), told.append, "Trip")


def answered(conversation: Conversation, question: str, text: str) -> Answer:
    conversation.ask(question)
    conversation.answer(text)
    return Answer(text=text, finish_reason="stop", usage={"completion_tokens": 3})


def lines(daemon: FakeDaemon, session: str) -> list[tuple[str, str]]:
    return [(line["role"], line["content"]) for line in daemon.kept.messages[session]]


def test_each_answer_is_kept_with_its_question(keeping: Keeping, daemon: FakeDaemon) -> None:
    conversation = Conversation("Be brief.")
    keeping.keep(conversation, "tiny", answered(conversation, "Who?", "Me."))
    keeping.keep(conversation, "tiny", answered(conversation, "Where?", "Here."))
    assert lines(daemon, keeping.session) == [
        ("system", "Be brief."),
        ("user", "Who?"),
        ("assistant", "Me."),
        ("user", "Where?"),
        ("assistant", "Here."),
    ]
    last = daemon.kept.messages[keeping.session][-1]
    assert last["tokens"] == 3
    assert last["metadata_info"] == {"model": "tiny", "finish_reason": "stop"}
    assert [(one["title"], one["model"]) for one in daemon.kept.sessions] == [("Trip", "tiny")]


def test_nothing_said_is_nothing_kept(keeping: Keeping, daemon: FakeDaemon) -> None:
    assert keeping.session == ""
    assert daemon.kept.sessions == []


def test_a_cleared_conversation_goes_on_in_another_session(
    keeping: Keeping, daemon: FakeDaemon
) -> None:
    conversation = Conversation("Be brief.")
    keeping.keep(conversation, "tiny", answered(conversation, "Who?", "Me."))
    first = keeping.session
    conversation.clear()
    keeping.keep(conversation, "tiny", answered(conversation, "Where?", "Here."))
    assert keeping.session != first
    assert [one["title"] for one in daemon.kept.sessions] == ["", "Trip"]
    assert lines(daemon, keeping.session) == [
        ("system", "Be brief."),
        ("user", "Where?"),
        ("assistant", "Here."),
    ]


def test_a_session_goes_on_where_it_ended(keeping: Keeping, daemon: FakeDaemon) -> None:
    session = daemon.kept.make(
        "Trip", ("system", "Old."), ("user", "Who?"), ("assistant", "Me."), ("system", "New.")
    )
    found = recall(Client(daemon.path), "Trip")
    assert found
    conversation = keeping.resume(found)
    assert conversation.system == "New."
    assert [turn.content for turn in conversation.turns] == ["Who?", "Me."]
    keeping.keep(conversation, "other", answered(conversation, "Where?", "Here."))
    assert keeping.session == session
    assert lines(daemon, session)[4:] == [("user", "Where?"), ("assistant", "Here.")]
    assert daemon.kept.sessions[0]["model"] == "other"


def test_what_could_not_be_kept_is_told_and_kept_later(
    keeping: Keeping, daemon: FakeDaemon, told: list[str]
) -> None:
    conversation = Conversation()
    daemon.failures["/control/sessions"] = NoRoom("The disk is full.")
    keeping.keep(conversation, "tiny", answered(conversation, "Who?", "Me."))
    assert told == ["Not kept: The disk is full."]
    daemon.failures.clear()
    keeping.keep(conversation, "tiny", answered(conversation, "Where?", "Here."))
    assert len(lines(daemon, keeping.session)) == 4


def test_an_unknown_name_begins_a_session_but_an_unknown_id_is_a_mistake(
    daemon: FakeDaemon,
) -> None:
    client = Client(daemon.path)
    assert recall(client, "Trip to 北京?") is None
    with pytest.raises(NotFound):
        recall(client, "00000000-0000-4000-8000-000000000000")


def test_the_reminder_is_short_and_harmless() -> None:
    conversation = Conversation()
    answered(conversation, "old", "old")
    answered(conversation, "Who\nare you?", "\x1b[2J" + "long " * 500)
    shown = list(reminder(conversation))
    assert shown[:2] == ["It goes on after 4 messages:", "  You: Who are you?"]
    assert len(shown) == 3
    assert len(shown[2]) < 330
    assert "\x1b" not in shown[2]


def test_an_answer_that_was_asked_for_again_takes_the_place_of_the_one_before(
    keeping: Keeping, daemon: FakeDaemon
) -> None:
    conversation = Conversation()
    keeping.keep(conversation, "tiny", answered(conversation, "Who?", "Me."))
    session = keeping.session
    for text in ("You.", "You."):
        conversation.take_answer()
        conversation.answer(text)
        keeping.keep(conversation, "tiny", Answer(text=text, finish_reason="stop"))
        assert lines(daemon, session) == [("user", "Who?"), ("assistant", "You.")]
    assert keeping.session == session


def test_pictures_are_kept_by_their_paths(keeping: Keeping, daemon: FakeDaemon) -> None:
    conversation = Conversation()
    conversation.ask("What?", [Path("/tmp/dot.png")])
    conversation.answer("A dot.")
    keeping.keep(conversation, "tiny", Answer(text="A dot.", finish_reason="stop"))
    question = daemon.kept.messages[keeping.session][0]
    assert question["metadata_info"] == {"images": ["/tmp/dot.png"], "media": 1}
