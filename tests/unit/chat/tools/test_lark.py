from __future__ import annotations

import pytest

from llmd.chat.tools.lark import Rules, calls, listed, object_schema, outlined, styled
from llmd.chat.tools.offer import Tool
from tests.unit.chat.tools.conftest import accepts, spelling, written


def texts(grammar: str, count: int = 40) -> set[str]:
    return {text for seed in range(count) if (text := written(grammar, [], seed)) is not None}


def test_markers_are_tokens_where_they_are_such_and_text_elsewhere() -> None:
    rules = Rules(spelling(["<a>"]))
    assert rules.marker("<a>") == "<[257]>"
    assert rules.marker('<"b">') == '"<\\"b\\">"'


def test_one_call_or_any_number_of_them() -> None:
    one = calls('"x"', '","', parallel=False)
    assert texts(f"start: {one}") == {"x"}
    several = calls('"x"', '","', parallel=True)
    assert {"x", "x,x"} <= texts(f"start: {several}")


@pytest.mark.parametrize(
    ("required", "optional", "expected"),
    [
        (['"a"'], ['"b"', '"c"'], {"a", "a,b", "a,c", "a,b,c"}),
        ([], ['"b"', '"c"'], {"", "b", "c", "b,c"}),
        (['"a"', '"b"'], [], {"a,b"}),
        ([], [], {""}),
    ],
)
def test_commas_stand_between_any_two(
    required: list[str], optional: list[str], expected: set[str]
) -> None:
    rules = Rules(lambda _: None)
    name = listed(rules, required, optional, '","')
    assert texts(rules.grammar(f'"(" {name} ")"')) == {f"({inside})" for inside in expected}


def test_text_goes_up_to_its_first_ending() -> None:
    rules = Rules(lambda _: None)
    for text in texts(rules.grammar(rules.until("</")), 8):
        assert text.index("</") == len(text) - 2


@pytest.mark.parametrize("tokens", [[], ["<b>"]], ids=["text", "token"])
@pytest.mark.parametrize(("ending", "inside"), [("<b>x", "a\n<"), (")<b>", "a<x")])
def test_the_ending_of_a_text_may_have_tokens(ending: str, inside: str, tokens: list[str]) -> None:
    rules = Rules(spelling(tokens))
    grammar = rules.grammar(rules.until(ending, ("<b>",)))
    assert accepts(grammar, inside + ending, tokens)
    assert accepts(grammar, ending, tokens)
    assert not accepts(grammar, inside + ending + ending, tokens)


@pytest.mark.parametrize("tokens", [[], ["<"], ["<", ">"]], ids=len)
def test_a_text_with_an_ending_may_have_a_pattern(tokens: list[str]) -> None:
    rules = Rules(spelling(tokens))
    grammar = rules.grammar(rules.until("</>", ("<", ">"), "[a-c]*"))
    assert accepts(grammar, "abc</>", tokens)
    assert not accepts(grammar, "abcd</>", tokens)


@pytest.mark.parametrize(
    ("known", "text", "matched"),
    [
        ([], "<!a>?", '"<!a>?"'),
        (["!"], "<!a>?", '"<" <[257]> "a>?"'),
        (["!", "?"], "<!a>?", '"<" <[257]> "a>" <[258]>'),
        (["<!a>"], "<!a>?", '<[257]> "?"'),
        (["<!", "<!a>"], "<!a>?", '<[258]> "?"'),
        (["?"], "??", "<[257]> <[257]>"),
        (["?"], "", '""'),
    ],
)
def test_tokens_within_a_text_are_spelled_as_such(
    known: list[str], text: str, matched: str
) -> None:
    assert Rules(spelling(known)).spelled(text, ("!", "?", "<!", "<!a>")) == matched


def test_text_goes_up_to_an_ending_with_a_token() -> None:
    rules = Rules(spelling(["!"]))
    grammar = rules.grammar(rules.until("</!a/b>", ("?", "!")))
    for text, taken in (("x</!a/b>", True), ("</ <</!a/b>", True), ("x!a/b>", False)):
        assert accepts(grammar, text, ["!"]) is taken
    assert accepts(grammar, "</!a/b>", ["!"], letters="!a/b></!a/>")
    assert not accepts(grammar, "</!a/b>", ["!"], letters="</!a/b>")


def test_a_rule_may_refer_to_itself() -> None:
    rules = Rules(lambda _: None)
    grammar = rules.grammar(rules.recursive(lambda own: f'"x" | "(" {own} ")"'))
    assert {"x", "(x)"} <= texts(grammar)


def test_schemas_of_arguments_are_objects_in_the_usual_spacing() -> None:
    assert object_schema(Tool("f", {})) == {"type": "object"}
    assert styled({"a": 1})["x-guidance"]["key_separator"] == ": "


def test_an_outline_says_how_arguments_are_written_and_no_more() -> None:
    properties = {
        "text": {"type": "string", "description": "any"},
        "word": {"type": "string", "enum": ["a", "b"]},
        "date": {"type": "string", "format": "unheard-of"},
        "count": {"type": "integer", "minimum": 3, "not": {"const": 4}},
        "note": {"type": ["string", "null"], "minLength": 2},
        "either": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/x"}]},
        "odd": {"type": "int"},
        "any": True,
    }
    tool = Tool("f", {"properties": properties, "required": ["text", 1], "not": {}}, strict=True)
    outlined_properties = {
        "text": properties["text"],
        "word": properties["word"],
        "date": {"type": "string"},
        "count": {"type": "integer"},
        "note": {"type": ["string", "null"]},
        "either": {},
        "odd": {},
        "any": {},
    }
    schema = {"type": "object", "properties": outlined_properties, "required": ["text"]}
    assert outlined(tool) == Tool("f", schema)
    assert outlined(Tool("f", {})) == Tool("f", {"type": "object"})
    for said, kept in ((True, True), ({"type": "integer"}, True), (False, False)):
        schema = outlined(Tool("f", {"additionalProperties": said})).parameters
        assert schema["additionalProperties"] is kept
