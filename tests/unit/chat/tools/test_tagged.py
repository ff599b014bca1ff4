from __future__ import annotations

import json
from typing import Any

import pytest

from llmd.chat.scanning import Malformed
from llmd.chat.tools.offer import Tool
from llmd.chat.tools.tagged import Arguments, as_json, is_json
from tests.unit.chat.tools.conftest import scanner

TOOL = Tool("f", {"properties": {"text": {"type": "string"}, "number": {"type": "integer"}}})


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("1", "integer", 1),
        (" [1, 2]\n", "array", [1, 2]),
        ("True", "boolean", True),
        ("None", "string null", None),
        ("{'a': (1, None)}", "object", {"a": [1, None]}),
        ("hello", "integer", "hello"),
        ("1.5", "integer", 1.5),
        ("NaN", "number", "NaN"),
        ('"a"', "string null", "a"),
        ('"a"', "string", "a"),
        ("42", "string", "42"),
        (" a ", "string", " a "),
        ("12345", "string null", "12345"),
        ('{"a": 1}', "string null", '{"a": 1}'),
        ("['a']", "string null", "['a']"),
        ("True", "string null", "True"),
        ("null", "string null", None),
        ("1.10", "string integer", "1.10"),
        ("42", "string integer", 42),
        ("42", "string boolean", "42"),
    ],
)
def test_values_become_json_of_a_type_that_is_asked_for(text: str, types: str, value: Any) -> None:
    assert json.loads(as_json(text, frozenset(types.split()))) == value


@pytest.mark.parametrize(
    "text",
    ["[" * 5000, "{" * 20_000, "{1: 2, [}", "{'a': {1, 2}}", "['\\ud800']"],
    ids=["deep", "long", "garbled", "set", "surrogate"],
)
def test_what_cannot_be_json_is_a_string(text: str) -> None:
    assert json.loads(as_json(text)) == text


def test_json_is_what_everybody_reads() -> None:
    assert is_json('{"a": [1]}')
    assert not any(map(is_json, ("", "NaN", "-Infinity", "{a: 1}", "[" * 100_000)))


def test_arguments_are_written_one_after_the_other() -> None:
    scan = scanner('a"b</x>7</x>')
    arguments = Arguments(scan, TOOL)
    assert not arguments.begun
    assert list(arguments.value("text", ("</x>",))) == []
    assert list(arguments.value("number", ("</x>",))) == []
    arguments.close()
    (call,) = scan.drain().calls
    assert (call.name, call.arguments) == ("f", '{"text": "a\\"b", "number": 7}')


def test_no_arguments_are_an_empty_object() -> None:
    scan = scanner("")
    Arguments(scan, TOOL, "own").close()
    (call,) = scan.drain().calls
    assert (call.id, call.arguments) == ("own", "{}")


@pytest.mark.parametrize(("name", "said"), [("text", '{"text": "a'), ("number", '{"number": a')])
def test_a_value_without_end_is_given_as_it_is(name: str, said: str) -> None:
    scan = scanner("a")
    with pytest.raises(Malformed):
        list(Arguments(scan, TOOL).value(name, ("</x>",)))
    assert scan.drain().calls[0].arguments == said


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("text", False, "1"), ("text", True, "1"), ("number", True, 1), ("other", True, "1")],
)
def test_a_model_may_say_what_is_text(name: str, text: bool, said: Any) -> None:
    scan = scanner("1;")
    scan.finish()
    arguments = Arguments(scan, TOOL)
    for _ in arguments.value(name, (";",), text=text):
        pass
    arguments.close()
    written = "".join(delta.arguments for delta in scan.drain().calls)
    assert json.loads(written) == {name: said}
