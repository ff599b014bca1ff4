from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.chat.scanning import Malformed
from llmd.chat.tools import json_text
from tests.unit.chat.tools.conftest import scanner


def passed(text: str) -> tuple[str, str]:
    """Return the value that was passed on, and what is left."""
    scan, pieces = scanner(text), []  # type: ignore[var-annotated]
    assert list(json_text.value(scan, pieces.append)) == []
    assert list(scan.rest(scan.say)) == []
    return "".join(pieces), scan.drain().text


def string(text: str, longest: int | None = None) -> str:
    try:
        next(json_text.string(scanner(text), longest))
    except StopIteration as stop:
        return str(stop.value)
    raise AssertionError("it waits")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.booleans())
def test_any_json_is_passed_on_as_it_is(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert passed(f"{text} ,rest") == (text, " ,rest")


def test_raw_control_characters_in_strings_are_escaped() -> None:
    assert passed('"a\n\tb"') == ('"a\\n\\tb"', "")


def test_brackets_are_counted_but_not_matched() -> None:
    assert passed('{"a": [1}} rest') == ('{"a": [1}}', " rest")


@pytest.mark.parametrize("text", ['"a', '{"a": 1', "", "<x>", "[1<", '"\\', " 1", "1" * 2000])
def test_what_does_not_end_or_begin_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        passed(text)


def test_a_string_says_what_it_says() -> None:
    assert string('"a\\n\\u00e9\\"" rest') == 'a\né"'
    assert string('"\\ud83d\\ude00"') == "😀"
    assert string('"\\ud83d"') == "\ufffd"
    for text in ('"\\x"', '"abcd"', "abc"):
        with pytest.raises(Malformed):
            string(text, 5)


def test_text_becomes_the_inside_of_a_string() -> None:
    assert json_text.escaped('a"\n格') == 'a\\"\\n格'
