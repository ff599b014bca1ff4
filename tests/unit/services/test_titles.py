from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.services.titles import title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("  Where \n\n is\tit? ", "Where is it?"),
        ("", ""),
        ("\n\t\0", ""),
        ("a\x1b[31mred\x07", "a [31mred"),
        (
            "Could you please explain the difference between a mutex and a semaphore to me?",
            "Could you please explain the difference between a mutex and…",
        ),
        ("x" * 100, "x" * 59 + "…"),
        ("word " + "x" * 100, "word " + "x" * 54 + "…"),
        (
            "请用中文详细解释一下量子纠缠的基本原理以及它在量子通信中的应用前景有哪些",
            "请用中文详细解释一下量子纠缠的基本原理以及它在量子通信中的…",
        ),
        ("写一个 Python 函数", "写一个 Python 函数"),
        ("👩‍👩‍👧‍👦" * 30, None),
        ("e\u0301" * 70, "e\u0301" * 59 + "…"),
    ],
)
def test_titles_are_one_line_cut_between_words(text: str, title: str | None) -> None:
    if title is not None:
        assert title_of(text) == title
    assert not title_of(text).removesuffix("…").endswith("\N{ZERO WIDTH JOINER}")


@given(st.text())
def test_any_text_has_a_short_printable_title(text: str) -> None:
    title = title_of(text)
    assert "\n" not in title
    assert title == title.strip()
    assert title == title_of(title)
    if not text.isascii():
        return
    assert len(title) <= 60


@given(st.text(alphabet="ab ", max_size=200))
def test_a_cut_title_is_how_the_text_begins(text: str) -> None:
    line = " ".join(text.split())
    assert line.startswith(title_of(text).removesuffix("…"))
