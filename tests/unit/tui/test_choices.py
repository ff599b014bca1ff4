from __future__ import annotations

from pathlib import Path

from llmd.tui.choices import Choices, read, write


def test_what_was_chosen_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "state" / "tui.json"
    assert read(file) == Choices()
    write(file, Choices(theme="nord"))
    assert read(file) == Choices(theme="nord")
    assert [path.name for path in file.parent.iterdir()] == ["tui.json"]


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "tui.json"
    file.write_text('{"theme": 7}')
    assert read(file) == Choices()


def test_where_nothing_can_be_kept_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write(tmp_path / "file" / "tui.json", Choices(theme="nord"))
