from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.dialogue import Dialogue
from llmd.cli.markdown import PlainAnswer
from llmd.cli.slash import Chat
from llmd.client.client import Client
from llmd.errors import ContextOverflow, WorkerDied
from tests.fakes.daemon import FakeDaemon

CHAT = "/v1/chat/completions"


class Interrupting(PlainAnswer):
    """A screen in front of which somebody presses Ctrl-C after the first words."""

    def feed(self, text: str) -> None:
        super().feed(text)
        raise KeyboardInterrupt


@pytest.fixture
def chat(daemon: FakeDaemon) -> Chat:
    return Chat(Client(daemon.path), "llmd-tiny", "Be brief.", print)


def test_a_question_and_its_answer_become_part_of_the_next_one(
    chat: Chat, daemon: FakeDaemon
) -> None:
    shown: list[str] = []
    remarks: list[str] = []
    chat.wishes = {"temperature": 0}
    dialogue = Dialogue(chat, lambda: PlainAnswer(shown.append), remarks.append)
    dialogue.take("What is it?")
    dialogue.take("And now?")
    body = daemon.body(CHAT)
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert (body["model"], body["temperature"]) == ("llmd-tiny", 0)
    assert "".join(shown) == "The capital of France is Paris.\n" * 2
    assert remarks == ["8 tokens, 20.0 tok/s"] * 2


def test_ctrl_c_stops_the_answer_and_keeps_what_came(chat: Chat, daemon: FakeDaemon) -> None:
    daemon.pieces, daemon.pause = ["word "] * 10_000, 0.005
    remarks: list[str] = []
    dialogue = Dialogue(chat, lambda: Interrupting(str), remarks.append)
    dialogue.take("Tell me.")
    assert daemon.left.wait(5)
    assert chat.conversation.turns[-1].content == "word "
    assert remarks == ["stopped"]
    assert not dialogue.failed


def test_a_conversation_that_is_too_long_is_explained_and_kept(
    chat: Chat, daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    dialogue.take("First.")
    daemon.failures[CHAT] = ContextOverflow("The prompt has 9 tokens, 5 fit.")
    dialogue.take("Second.")
    assert [turn.content for turn in chat.conversation.turns] == [
        "First.",
        "The capital of France is Paris.",
    ]
    err = capsys.readouterr().err
    assert "9 tokens, 5 fit" in err
    assert "/clear" in err
    assert dialogue.failed


def test_a_failure_takes_the_question_back_and_the_chat_goes_on(
    chat: Chat, daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    daemon.failure_after = WorkerDied("The worker died.", hint="Ask again.")
    dialogue.take("First.")
    daemon.failure_after = None
    dialogue.take("Second.")
    assert [turn.content for turn in chat.conversation.turns] == [
        "Second.",
        "The capital of France is Paris.",
    ]
    assert capsys.readouterr().err == "Error: The worker died. Ask again.\n"


def test_an_answer_cut_by_the_limit_says_so(
    chat: Chat, daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.finish_reason = "length"
    Dialogue(chat, lambda: PlainAnswer(str)).take("First.")
    assert "max_tokens (/set) or the context" in capsys.readouterr().err


def test_commands_are_obeyed_and_empty_lines_ignored(chat: Chat, daemon: FakeDaemon) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    dialogue.take("/clear")
    dialogue.take("  ")
    assert daemon.asked == []


def test_the_last_question_is_answered_anew(chat: Chat, daemon: FakeDaemon) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    dialogue.take("/retry")
    assert daemon.asked == []
    dialogue.take("First.")
    daemon.pieces = ["Another one."]
    dialogue.take("/retry")
    assert [turn.content for turn in chat.conversation.turns] == ["First.", "Another one."]
    assert [one["content"] for one in daemon.body(CHAT)["messages"]] == ["Be brief.", "First."]
    daemon.failures[CHAT] = WorkerDied("The worker died.")
    dialogue.take("/retry")
    assert [turn.content for turn in chat.conversation.turns] == ["First.", "Another one."]


def test_a_question_that_failed_can_be_asked_again_with_its_picture(
    chat: Chat, daemon: FakeDaemon, picture: Path
) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    daemon.failures[CHAT] = WorkerDied("The worker died.")
    dialogue.take(f"/image {picture}")
    dialogue.take("What is it?")
    del daemon.failures[CHAT]
    dialogue.take("/retry")
    sent = daemon.body(CHAT)["messages"][-1]["content"]
    assert [part["type"] for part in sent] == ["image_url", "text"]
    assert chat.conversation.turns[-1].content == "The capital of France is Paris."


def test_a_picture_that_has_gone_is_named(
    chat: Chat, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    dialogue.take(f"/image {picture}")
    picture.unlink()
    dialogue.take("What is it?")
    assert f"{picture}: No such file" in capsys.readouterr().err
    assert chat.conversation.turns == []


def test_a_context_that_is_full_says_what_can_be_typed(
    chat: Chat, daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogue = Dialogue(chat, lambda: PlainAnswer(str))
    daemon.failures[CHAT] = ContextOverflow('Send "x".', needed=9, available=5)
    dialogue.take("First.")
    assert capsys.readouterr().err == (
        "Error: That takes 9 tokens, but the context of this model holds 5. Nothing was cut: "
        "/set overflow truncate leaves out the oldest messages, /clear starts anew.\n"
    )
    dialogue.take("/set overflow truncate")
    dialogue.take("First.")
    assert "/set" not in capsys.readouterr().err
    assert daemon.body(CHAT)["context_overflow"] == "truncate"
