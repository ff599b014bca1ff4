from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.slash import COMMANDS, Chat, Leave, is_command, obey
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
