from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmd.cli import conversation
from llmd.errors import InvalidRequest
from llmd.tui.chat import files
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn, TurnState


def talk() -> Talk:
    lost = Turn("user", "lost", left_out=True)
    failed = Turn("assistant", state=TurnState.FAILED)
    return Talk(
        turns=[
            Turn("system", "Be kind."),
            Turn("user", "你好"),
            Turn("assistant", "Hi"),
            lost,
            failed,
        ]
    )


def test_llmd_chat_reads_what_is_saved_and_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "talk.json"
    files.save(talk(), path)
    found = conversation.load(path)
    assert found.system == "Be kind."
    assert [turn.content for turn in found.turns] == ["你好", "Hi"]
    conversation.save(found, path)
    loaded = files.load(path)
    assert [(turn.role, turn.text) for turn in loaded] == [
        ("system", "Be kind."),
        ("user", "你好"),
        ("assistant", "Hi"),
    ]


def test_other_files_are_markdown_as_those_of_llmd_chat(tmp_path: Path) -> None:
    files.save(talk(), tmp_path / "a.md")
    files.save(talk(), tmp_path / "talk.json")
    conversation.save(conversation.load(tmp_path / "talk.json"), tmp_path / "b.md")
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()


def test_what_cannot_be_read_or_written_says_why(tmp_path: Path) -> None:
    for read in (files.load, files.tools):
        with pytest.raises(InvalidRequest, match="cannot be read"):
            read(tmp_path / "gone.json")
    with pytest.raises(InvalidRequest, match="cannot be written"):
        files.save(talk(), tmp_path / "no folder" / "a.md")


def test_tools_are_read_in_openai_shape(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    tool = {"type": "function", "function": {"name": "add", "parameters": {}}}
    path.write_text(json.dumps([tool]))
    assert files.tools(path) == [tool]
    for wrong in ("{}", "[{}]", '[{"function": {}}]', "nonsense"):
        path.write_text(wrong)
        with pytest.raises(InvalidRequest):
            files.tools(path)


def test_a_text_goes_under_its_name_and_what_is_none_says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes("\ufeffcafé\n\n".encode())
    assert files.text(path) == "notes.txt:\ncafé"
    for content, words in ((b"caf\xe9", "no text in UTF-8"), (b"x" * (2**18 + 1), "too long")):
        path.write_bytes(content)
        with pytest.raises(InvalidRequest, match=words):
            files.text(path)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        files.text(tmp_path / "absent")
