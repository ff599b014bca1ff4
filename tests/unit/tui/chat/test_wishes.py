from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.tui.chat.wishes import NUMBERS, Wishes, parse, read


def test_what_is_not_wished_is_left_to_the_daemon() -> None:
    assert Wishes().body() == {}
    found = Wishes(temperature=0.0, enable_thinking=False).body()
    assert found == {"temperature": 0.0, "enable_thinking": False}


def test_what_is_typed_is_read() -> None:
    typed = {"temperature": " 0.7 ", "max_tokens": "100", "top_p": "", "seed": "1"}
    found = read(typed, "off", "truncate")
    assert found == Wishes(
        temperature=0.7,
        max_tokens=100,
        seed=1,
        enable_thinking=False,
        context_overflow="truncate",
    )
    assert [found.text(name) for name in NUMBERS] == ["0.7", "", "", "", "100", "1"]
    assert read({}, "", "") == Wishes()
    assert read({}, "on", "").enable_thinking is True


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("temperature", "hot"),
        ("temperature", "-1"),
        ("top_p", "nan"),
        ("top_p", "1.1"),
        ("max_tokens", "0"),
        ("max_tokens", "1.5"),
        ("seed", "-1"),
        ("min_p", "inf"),
    ],
)
def test_numbers_that_cannot_be_are_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match="number from") as raised:
        parse(name, text)
    assert raised.value.param == name


def test_wishes_are_told_in_words() -> None:
    found = Wishes(max_tokens=10, enable_thinking=True, context_overflow="shift")
    assert found.words() == ["max tokens 10", "reasoning on", "oldest messages may be dropped"]
    assert Wishes(context_overflow="error").words() == []
