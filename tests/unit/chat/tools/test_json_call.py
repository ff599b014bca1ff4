from __future__ import annotations

import pytest

from llmd.chat.scanning import Malformed
from llmd.chat.tools import json_call
from llmd.protocol.events import Portion
from tests.unit.chat.tools.conftest import scanner


def read(text: str) -> list[tuple[str, str]]:
    scan = scanner(text)
    assert list(json_call.calls(scan, lambda name: name in {"f", "g"})) == []
    return [(call.name, call.arguments) for call in scan.drain().calls]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"name": "f", "arguments": {"a": [1, "}"]}}', '{"a": [1, "}"]}'),
        ('{ "tool_name" : "f" , "parameters" : {} , }', "{}"),
        ('{"id": [1, {"x": "y"}], "args": {"a": 1}, "name": "f"}', '{"a": 1}'),
        ('{"function": "f", "arguments": {}}', "{}"),
        ('{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}', '{"a": 1}'),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', '{"a": 1}'),
        ('{"name": "f", "arguments": [1]}', "[1]"),
        ('{"name": "f"}', "{}"),
        ('{"name": "f", "arguments": {"a": 1}, "arguments": {"b": 2}}', '{"a": 1}'),
        ('{"name": "f", "arguments": {"a": 1}', '{"a": 1}'),
    ],
)
def test_objects_of_many_shapes_are_calls(text: str, arguments: str) -> None:
    assert read(text) == [("f", arguments)]


def test_a_list_of_calls() -> None:
    assert read('[ {"name": "f"} , {"name": "g"} ]') == [("f", "{}"), ("g", "{}")]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "h", "arguments": {}}',
        '{"name": "", "arguments": {}}',
        '{"arguments": {}}',
        '{"name": "f" 1}',
        '{"name" "f"}',
        '{name: "f"}',
        "[]",
        "x",
        '{"function": {"function": {"name": "f"}}}' * 2,
        '{"function": ' * 5000,
    ],
)
def test_what_is_no_call_is_not_read_at_all(text: str) -> None:
    scan = scanner(text)
    with pytest.raises(Malformed):
        list(json_call.call(scan, lambda name: name == "f"))
    assert list(scan.rest(scan.say)) == []
    assert scan.drain() == Portion(text)


def test_any_name_but_none_is_accepted_between_markers() -> None:
    assert json_call.any_name("x")
    assert not json_call.any_name("")
