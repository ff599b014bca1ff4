from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from llmd.cli.conversation import Conversation, Turn, load, save
from llmd.errors import InvalidRequest


def talked() -> Conversation:
    conversation = Conversation("Be brief.")
    conversation.ask("Hello?")
    conversation.answer("Hi.")
    return conversation


def test_messages_begin_with_the_system_message() -> None:
    assert [message["role"] for message in talked().messages()] == ["system", "user", "assistant"]
    assert Conversation().messages() == []


def test_a_question_without_an_answer_can_be_taken_back() -> None:
    conversation = talked()
    conversation.ask("What?")
    conversation.take_back()
    conversation.take_back()
    assert conversation.turns[-1] == Turn("assistant", "Hi.")


def test_clearing_keeps_the_system_message() -> None:
    conversation = talked()
    conversation.clear()
    assert conversation.messages() == [{"role": "system", "content": "Be brief."}]


def test_saved_as_json_it_can_be_loaded(tmp_path: Path) -> None:
    save(talked(), tmp_path / "talk.json")
    assert load(tmp_path / "talk.json") == talked()
    assert msgspec.json.decode((tmp_path / "talk.json").read_bytes())[1] == {
        "role": "user",
        "content": "Hello?",
    }


def test_saved_as_anything_else_it_is_markdown(tmp_path: Path) -> None:
    save(talked(), tmp_path / "talk.md")
    assert (
        tmp_path / "talk.md"
    ).read_text() == "## System\n\nBe brief.\n\n## You\n\nHello?\n\n## Answer\n\nHi.\n"


def test_what_is_no_conversation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}')
    with pytest.raises(InvalidRequest, match="no saved conversation"):
        load(tmp_path / "x.json")


def test_a_question_has_its_pictures_and_an_answer_can_be_taken(picture: Path) -> None:
    conversation = talked()
    conversation.ask("What is it?", [picture])
    parts = conversation.messages()[-1]["content"]
    assert [part["type"] for part in parts] == ["image_url", "text"]
    assert conversation.take_answer() is None
    conversation.answer("A dot.")
    assert conversation.take_answer() == Turn("assistant", "A dot.")
    assert conversation.take_back() == Turn("user", "What is it?", (picture,))
