from __future__ import annotations

import base64
from pathlib import Path

import pytest

from llmd.errors import InvalidRequest
from llmd.tui.chat.pictures import check, load

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def test_what_cannot_be_attached_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for path, words in (
        (tmp_path / "text.png", "is no picture"),
        (tmp_path / "gone.png", "cannot be read"),
        (tmp_path, "cannot be read"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            check(str(path))


def test_pictures_become_data_urls_and_lost_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    assert check(str(path)) == path
    found = load([str(path), str(tmp_path / "gone.png")])
    assert found == {str(path): f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}
