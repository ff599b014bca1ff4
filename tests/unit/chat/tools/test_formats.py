from __future__ import annotations

import json

from llmd.chat.tools.formats import json_call_rule, write_hermes
from llmd.chat.tools.lark import Rules
from llmd.chat.tools.offer import Tool


def test_calls_are_written_as_most_models_know_them() -> None:
    written = write_hermes('say "hi"', '{"a": 1}')
    assert written == '<tool_call>\n{"name": "say \\"hi\\"", "arguments": {"a": 1}}\n</tool_call>'


def test_a_call_as_json_has_its_name_first() -> None:
    rules = Rules(lambda _: None)
    one = json_call_rule(rules, Tool("f", {"type": "object"}), "parameters")
    grammar = rules.grammar(one)
    assert json.dumps('{"name": "f", "parameters": ') in grammar
    assert grammar.startswith(f"start: {one}\n")
