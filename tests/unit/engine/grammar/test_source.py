from __future__ import annotations

import json

import pytest

from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.source import LONGEST, json_source, source
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Choice, Constraint, Grammar, Json, Regex
from tests.unit.engine.grammar.conftest import accepts

CASES = [
    (Json(), ["{}", '{"a":[1,{"b":null}]}'], ["[]", "1", '{"a": 1}', "{} "]),
    (Json(schema=True), ["1", '"a"', "[]", "{}", "null"], ["", "nul", "1 "]),
    (Json({"type": "array", "items": {"type": "integer"}}), ["[1,2]"], ["[1, 2]", "[1.5]"]),
    (Json({"const": '引号"和\\'}), [json.dumps('引号"和\\', ensure_ascii=False)], ['"引号"']),
    (Regex("a+|b"), ["a", "aaa", "b"], ["", "ab", "aab"]),
    (Regex("^x$"), ["x"], ["xx"]),
    (Regex(r"\d{2}年"), ["12年"], ["1年", "12"]),
    (
        Choice(["a", "ab", "a|b", '"', "\\", "\n", "🎉"]),
        ["a", "ab", "a|b", '"', "\\", "\n", "🎉"],
        ["", "b"],
    ),
    (Grammar('root ::= "a" root "b" | ""'), ["", "ab", "aabb"], ["a", "aab", "ba"]),
    (Grammar('start: "a" B\nB: /[0-9]+/', "lark"), ["a1", "a12"], ["a", "1"]),
]


@pytest.mark.parametrize(("constraint", "good", "bad"), CASES, ids=lambda case: str(case)[:40])
def test_a_constraint_takes_its_texts_and_no_others(
    constraint: Constraint, good: list[str], bad: list[str], bytewise: Compiler
) -> None:
    assert [t for t in good if not accepts(bytewise.matcher(constraint), t)] == []
    assert [t for t in bad if accepts(bytewise.matcher(constraint), t)] == []


@pytest.mark.parametrize(
    "constraint",
    [
        Regex("a" * (LONGEST + 1)),
        Grammar("a" * (LONGEST + 1), "lark"),
        Choice(["a" * LONGEST, "b"]),
        Json({"const": "a" * LONGEST}),
    ],
    ids=lambda constraint: type(constraint).__name__,
)
def test_what_is_too_long_is_refused(constraint: Constraint) -> None:
    with pytest.raises(ConstraintRefused, match="can be enforced"):
        source(constraint)


def test_numbers_and_nesting_beyond_the_library_are_refused() -> None:
    with pytest.raises(ConstraintRefused, match="out of range"):
        json_source({"minimum": 10**400})
    nested: dict[str, object] = {"const": 1}
    for _ in range(200):
        nested = {"items": nested}
    with pytest.raises(ConstraintRefused, match="recursion limit"):
        json_source(nested)


def test_bad_gbnf_is_refused_with_the_place_and_a_way_out() -> None:
    with pytest.raises(ConstraintRefused, match="line 2, column 11") as caught:
        source(Grammar('root ::= a\na ::= ("b"', "gbnf"))
    assert "lark" in caught.value.hint
    assert caught.value.param == "grammar"
