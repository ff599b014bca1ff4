from __future__ import annotations

import stat
from pathlib import Path

from prompt_toolkit.history import FileHistory

from llmd.tui.chat.lines import Lines, parse


def test_lines_come_back_the_newest_first(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "state" / "history")
    assert lines.older("draft") is None
    for text in ("one", "two\nlines", "two\nlines"):
        lines.add(text)
    assert lines.older("draft") == "two\nlines"
    assert lines.older("two\nlines") == "one"
    assert lines.older("one") is None
    assert [lines.newer(), lines.newer(), lines.newer()] == ["two\nlines", "draft", None]
    again = Lines(tmp_path / "state" / "history")
    assert [again.older(""), again.older(""), again.older("")] == ["two\nlines", "one", None]


def test_the_file_is_the_one_of_llmd_chat_and_private(tmp_path: Path) -> None:
    path = tmp_path / "history"
    FileHistory(str(path)).store_string("from the\nshell 你好")
    lines = Lines(path)
    assert lines.older("") == "from the\nshell 你好"
    lines.add("+ from here\n\n")
    kept = list(FileHistory(str(path)).load_history_strings())
    assert kept == ["+ from here\n\n", "from the\nshell 你好"]
    fresh = tmp_path / "fresh"
    Lines(fresh).add("x")
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe+x\n+broken \xff\n")
    lines = Lines(tmp_path / "file" / "below")
    lines.add("kept for now")
    assert lines.older("") == "kept for now"
    assert parse("\nnonsense\n+a\n# date\n+b\n+c\n") == ["a", "b\nc"]
