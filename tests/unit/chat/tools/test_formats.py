from __future__ import annotations

import json

from llmd.chat.tools.formats import between_tags, json_call_rule, values_of, write_hermes
from llmd.chat.tools.lark import Rules
from llmd.chat.tools.offer import Tool


def test_calls_are_written_as_most_models_know_them() -> None:
    written = write_hermes('say "hi"', '{"a": 1}')
    assert written == '<tool_call>\n{"name": "say \\"hi\\"", "arguments": {"a": 1}}\n</tool_call>'


def test_arguments_that_are_no_object_go_by_one_name() -> None:
    assert values_of('{"a": 1, "b": [2]}') == {"a": 1, "b": [2]}
    for odd in ("no json", "7", "[1]", "[" * 100_000):
        assert values_of(odd) == {"arguments": odd}


def test_text_stands_between_tags_as_it_is() -> None:
    assert [between_tags(value) for value in ("a", 1, {"ü": None})] == ["a", "1", '{"ü": null}']


def test_a_call_as_json_has_its_name_first() -> None:
    rules = Rules(lambda _: None)
    one = json_call_rule(rules, Tool("f", {"type": "object"}), "parameters")
    grammar = rules.grammar(one)
    assert json.dumps('{"name": "f", "parameters": ') in grammar
    assert grammar.startswith(f"start: {one}\n")
