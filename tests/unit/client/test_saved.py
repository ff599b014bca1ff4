from __future__ import annotations

from pathlib import Path

import pytest

from llmd.client.saved import Message, read, write
from llmd.errors import InvalidRequest

SAID = [Message("system", "Be brief."), Message("user", "你好"), Message("assistant", "Hi.")]


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(SAID, tmp_path / "talk.json")
    assert read(tmp_path / "talk.json") == SAID


def test_other_files_are_markdown(tmp_path: Path) -> None:
    write([*SAID[1:], Message("tool", "\ud83d")], tmp_path / "talk.md")
    text = (tmp_path / "talk.md").read_text(encoding="utf-8")
    assert text == "## You\n\n你好\n\n## Answer\n\nHi.\n\n## tool\n\n?\n"


def test_what_cannot_be_read_or_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"no": "list"}')
    with pytest.raises(InvalidRequest, match="no saved conversation"):
        read(tmp_path / "a.json")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read(tmp_path / "gone.json")
    with pytest.raises(InvalidRequest, match="cannot be written"):
        write(SAID, tmp_path / "no folder" / "a.md")
