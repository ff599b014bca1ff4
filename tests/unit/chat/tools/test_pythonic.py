from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.chat.scanning import Malformed
from llmd.chat.tools import pythonic
from tests.unit.chat.tools.conftest import scanner


def literal(text: str) -> Any:
    pieces: list[str] = []
    assert list(pythonic.literal(scanner(text), pieces.append)) == []
    return json.loads("".join(pieces))


def call(text: str, suffix: str = "") -> tuple[str, str, str]:
    scan = scanner(text)
    assert list(pythonic.call(scan, lambda name: name != "no", suffix)) == []
    assert list(scan.rest(scan.say)) == []
    portion = scan.drain()
    (found,) = portion.calls
    return found.name, found.arguments, portion.text


PYTHON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc \"'\\\n"), inner),
)


@given(PYTHON)
def test_what_python_writes_is_read(value: object) -> None:
    assert literal(repr(value)) == json.loads(json.dumps(value)) == ast.literal_eval(repr(value))


@given(PYTHON)
def test_what_json_writes_is_read_as_well(value: object) -> None:
    assert literal(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(1, 2)", [1, 2]),
        ("[1, 2,]", [1, 2]),
        ("{a: 1}", {"a": 1}),
        ("celsius", "celsius"),
        (r"'\x41\u00e9\d\0'", "AéA"[:2] + "\\d\0"),
        (r"'\uzzzz'", "\\uzzzz"),
        (r"'\ud83d\ude00'", "😀"),
    ],
)
def test_loose_spellings_are_understood(text: str, value: object) -> None:
    assert literal(text) == value


@pytest.mark.parametrize("text", ["", "'a", "[1", "[1 2]", "{'a' 1}", "[" * 200, "{'a': 1"])
def test_what_is_no_literal_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        literal(text)


def test_a_call_has_named_arguments() -> None:
    assert call("f(a=1, b='x')!") == ("f", '{"a": 1, "b": "x"}', "!")
    assert call("f( )") == ("f", "{}", "")
    assert call("f.call(a=1)", ".call") == ("f", '{"a": 1}', "")


@pytest.mark.parametrize("text", ["no(a=1)", "f(1)", "f", "f[a=1]", "(a=1)", "f(a"])
def test_what_is_no_call_is_not_read_at_all(text: str) -> None:
    scan = scanner(text)
    with pytest.raises(Malformed):
        list(pythonic.call(scan, lambda name: name != "no"))
    assert list(scan.rest(scan.say)) == []
    assert scan.drain().text == text
