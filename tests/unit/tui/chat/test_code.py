from __future__ import annotations

from llmd.tui.chat.code import blocks


def test_code_stands_between_fences() -> None:
    text = "Look:\n```python\nx = 1\n\ny = 2\n```\nand\n~~~~\n```\n~~~\n~~~~\ndone"
    assert blocks(text) == ["x = 1\n\ny = 2", "```\n~~~"]


def test_a_fence_may_be_open_at_the_end() -> None:
    assert blocks("```\nhalf") == ["half"]
    assert blocks("no code") == []
