from __future__ import annotations

import json
from typing import Any

import pytest

from llmd.chat.scanning import Malformed, Scanner
from llmd.chat.tools.offer import Kind, Tool
from llmd.chat.tools.tagged import Arguments, as_json, is_json

TOOL = Tool("f", {"properties": {"text": {"type": "string"}, "number": {"type": "integer"}}})


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1", Kind.JSON, 1),
        (" [1, 2]\n", Kind.JSON, [1, 2]),
        ("True", Kind.JSON, True),
        ("None", Kind.EITHER, None),
        ("{'a': (1, None)}", Kind.JSON, {"a": [1, None]}),
        ("hello", Kind.JSON, "hello"),
        ("NaN", Kind.JSON, "NaN"),
        ('"a"', Kind.EITHER, "a"),
        ('"a"', Kind.STRING, "a"),
        ("42", Kind.STRING, "42"),
        (" a ", Kind.STRING, " a "),
        ("[" * 5000, Kind.EITHER, "[" * 5000),
        ("{" * 20_000, Kind.EITHER, "{" * 20_000),
        ("{1: 2, [}", Kind.EITHER, "{1: 2, [}"),
        ("{'a': {1, 2}}", Kind.EITHER, "{'a': {1, 2}}"),
        ("['\\ud800']", Kind.EITHER, "['\\ud800']"),
    ],
)
def test_values_become_json(text: str, kind: Kind, value: Any) -> None:
    assert json.loads(as_json(text, kind)) == value


def test_json_is_what_everybody_reads() -> None:
    assert is_json('{"a": [1]}')
    assert not any(map(is_json, ("", "NaN", "-Infinity", "{a: 1}", "[" * 100_000)))


def scanner(text: str) -> Scanner:
    scan = Scanner(lambda: "id")
    scan.add(text)
    scan.finish()
    return scan


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
