from __future__ import annotations

import pytest

from llmd.tui.chat.plain import plain


@pytest.mark.parametrize(
    "text", ["Hello\n\tworld", "天下　难事", "a\u00a0b", "👩\u200d💻", "नमस्\u200cते", ""]
)
def test_what_people_write_stays(text: str) -> None:
    assert plain(text) == text


def test_what_moves_the_cursor_or_turns_the_text_goes() -> None:
    assert plain("a\x1b[31mb\r\x07\x9b2Jc\u202ed\u2028e\x00") == "a[31mb2Jcde"
