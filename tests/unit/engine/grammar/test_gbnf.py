from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.gbnf import to_lark
from llmd.engine.grammar.gbnf_reader import GbnfError
from llmd.protocol.constraints import Grammar
from tests.unit.engine.grammar.conftest import accepts

JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""
ARITHMETIC = 'root ::= (expr "=" term "\\n")+\nexpr ::= term ([-+*/] term)*\nterm ::= [a-z]+ | [0-9]+ | "(" expr ")"'
CASES = [
    (JSON, ["{}", '{"a": [1, -2.5e3, "\\u4e2d中"]}', "{ }"], ["[]", "{", '{"a"}', '{"a":01}']),
    (ARITHMETIC, ["a=1\n", "(a+b)*3=7\n9=c\n"], ["a=1", "=1\n", "(a=1\n"]),
    ('root ::= [a-z]+ "end"', ["xend", "endend"], ["end", "xen"]),
    ('root ::= "x" [a-z]* "!" root | "."', [".", "xab!.", "x!x!."], ["x.", "xab."]),
    (
        'root ::= a{2} b{1,2} c{0,0}\na ::= "a"\nb ::= "b"\nc ::= "c"',
        ["aab", "aabb"],
        ["ab", "aabc"],
    ),
    ('root ::= [^\\n]+ "\\n" .', ["中\n\n", "ab\nc"], ["\n\n", "ab\n"]),
    ('root ::= ("a" | "") "b"', ["ab", "b"], ["a"]),
    ('root ::= "a"?', ["", "a"], ["aa"]),
    ('root ::= "[" (root ("," root)*)? "]"', ["[]", "[[],[[]]]"], ["[", "[,]"]),
    ("root ::= [\\u4e00-\\u9fff]{2,4} [/]", ["北京/"], ["北/", "ab/"]),
]


@pytest.mark.parametrize(("text", "good", "bad"), CASES, ids=lambda case: str(case)[:30])
def test_a_grammar_takes_its_texts_and_no_others(
    text: str, good: list[str], bad: list[str], bytewise: Compiler
) -> None:
    grammar = Grammar(text)
    assert [t for t in good if not accepts(bytewise.matcher(grammar), t)] == []
    assert [t for t in bad if accepts(bytewise.matcher(grammar), t)] == []


def test_what_is_regular_becomes_one_terminal() -> None:
    assert to_lark('root ::= word "!" \nword ::= [a-z]+').splitlines()[:2] == [
        "start: T0",
        'T0: T1 "!"',
    ]


def test_runs_of_regular_parts_become_one_terminal_inside_rules() -> None:
    lark = to_lark('root ::= "(" ws root ")" ws | "x"\nws ::= " "*')
    assert "r0: (U0 r0 U1 | U2)" in lark
    assert 'U0: "(" T1' in lark


def test_control_tokens_stay_out_of_terminals() -> None:
    assert to_lark('root ::= "a" <think> "b" | <[7]>') == (
        'start: r0\nr0: (U0 <think> U1 | <[7]>)\nU0: "a"\nU1: "b"'
    )


@pytest.mark.parametrize("text", ["", 'a ::= "b"', "root ::= nowhere"])
def test_a_missing_rule_is_told_by_name(text: str) -> None:
    with pytest.raises(GbnfError, match="there is no rule"):
        to_lark(text)


LEAVES = st.sampled_from(['"a"', '"b"', '""', "[ab]", "[^a]", ".", "root", "other", '"ab"'])
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} | {pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=150)
@given(BODIES, BODIES)
def test_any_grammar_becomes_lark_that_is_read(root: str, other: str) -> None:
    from llguidance import LLMatcher

    text = f'root ::= {root} | "a"\nother ::= {other} | "b"'
    failed, said = LLMatcher.validate_grammar_with_warnings(
        LLMatcher.grammar_from_lark(to_lark(text))
    )
    assert not failed, said
