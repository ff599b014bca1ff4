from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.slash import COMMANDS, Again, Chat, Leave, is_command, obey
from llmd.client.client import Client
from tests.fakes.daemon import TINY, FakeDaemon


@pytest.fixture
def said() -> list[str]:
    """What the chat showed."""
    return []


@pytest.fixture
def chat(daemon: FakeDaemon, said: list[str]) -> Chat:
    daemon.models += [{**TINY, "name": "qwen"}, {**TINY, "name": "minilm", "kind": "embedding"}]
    return Chat(Client(daemon.path), "llmd-tiny", "", said.append)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/help", True),
        (" /system x", True),
        ("/nope", True),
        ("/etc/hosts is a file", False),
        ("hello", False),
        ("", False),
        ("/x\ny", False),
    ],
)
def test_a_command_is_a_slash_and_a_word(line: str, command: bool) -> None:
    assert is_command(line) is command


def test_help_lists_every_command(chat: Chat, said: list[str]) -> None:
    obey(chat, "/help")
    for usage, _ in COMMANDS.values():
        assert any(usage in line for line in said)


def test_the_system_message_is_set_and_shown(chat: Chat, said: list[str]) -> None:
    obey(chat, "/system")
    obey(chat, "/system Be brief.")
    obey(chat, "/system")
    assert said == ["There is no system message.", "The system message is set.", "Be brief."]


def test_clear_forgets(chat: Chat) -> None:
    chat.conversation.ask("x")
    obey(chat, "/clear")
    assert chat.conversation.turns == []


def test_save_and_load(chat: Chat, said: list[str], tmp_path: Path) -> None:
    chat.conversation.ask("x")
    obey(chat, f"/save {tmp_path}/my talk.json")
    obey(chat, "/clear")
    obey(chat, f"/load {tmp_path}/my talk.json")
    assert chat.conversation.turns[0].content == "x"
    assert said[-1] == "1 messages are loaded."


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/save", "Give a file name."),
        ("/load /no/such/file", "/no/such/file cannot be read: No such file or directory."),
        ("/nope", "There is no /nope; /help lists what there is."),
        ("/model nope", "There is no chat model nope here. Installed: llmd-tiny, qwen."),
    ],
)
def test_mistakes_are_said_and_nothing_ends(
    chat: Chat, said: list[str], line: str, answer: str
) -> None:
    obey(chat, line)
    assert said == [answer]


def test_the_model_is_listed_and_switched(chat: Chat, said: list[str]) -> None:
    obey(chat, "/model")
    obey(chat, "/model qwen")
    assert said == ["* llmd-tiny", "  qwen", "qwen answers from now on."]
    assert chat.model == "qwen"


@pytest.mark.parametrize("word", ["/exit", "/quit", "/bye"])
def test_there_are_several_words_for_leaving(chat: Chat, word: str) -> None:
    with pytest.raises(Leave):
        obey(chat, word)


def test_how_answers_are_wished_is_set_shown_and_taken_back(chat: Chat, said: list[str]) -> None:
    for line in (
        "/set temperature 0.5",
        "/set max_tokens 9",
        "/set overflow truncate",
        "/think off",
    ):
        obey(chat, line)
    assert chat.wishes == {
        "temperature": 0.5,
        "max_tokens": 9,
        "context_overflow": "truncate",
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert said[0] == "temperature is 0.5."
    said.clear()
    obey(chat, "/set")
    assert said[:-1] == ["temperature 0.5", "max_tokens 9", "overflow truncate"]
    for line in ("/set temperature", "/set overflow", "/think on"):
        obey(chat, line)
    assert chat.wishes == {"max_tokens": 9, "chat_template_kwargs": {"enable_thinking": True}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/set nope 1", "temperature, top_p"),
        ("/set temperature hot", "a number from 0 to 5"),
        ("/set overflow maybe", "error, truncate, shift"),
        ("/think hard", "/think on"),
        ("/image /no/such.png", "cannot be read"),
        ("/file /no/such.txt", "No such file"),
        ("/file", "Give a file name."),
    ],
)
def test_what_cannot_be_set_or_attached_is_said(
    chat: Chat, said: list[str], line: str, words: str
) -> None:
    obey(chat, line)
    assert words in said[0]
    assert not (chat.wishes)
    assert not (chat.files)
    assert not (chat.pictures)


def test_files_and_pictures_go_with_what_is_said_next(
    chat: Chat, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("Three rooms.\n")
    obey(chat, f"/image {picture}")
    obey(chat, f"/file {tmp_path}/notes.txt")
    chat.ask("How many?")
    chat.ask("Sure?")
    first, second = chat.conversation.turns
    assert first == ("user", "notes.txt:\nThree rooms.\n\nHow many?", (picture,))
    assert second == ("user", "Sure?", ())
    obey(chat, f"/image {picture}")
    obey(chat, "/clear")
    assert chat.pictures == []


def test_an_answer_can_be_asked_for_again(chat: Chat) -> None:
    with pytest.raises(Again):
        obey(chat, "/retry")
