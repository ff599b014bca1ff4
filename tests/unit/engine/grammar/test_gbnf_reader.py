from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.grammar.gbnf_reader import (
    Alternatives,
    GbnfError,
    Reference,
    Repetition,
    Run,
    Special,
    Text,
    read,
)


def body(text: str) -> object:
    return read(f"root ::= {text}", 100)["root"]


def test_every_construct_is_read() -> None:
    assert body('"a"') == Text('"a"')
    assert body("name-2_x") == Reference("name-2_x")
    assert body('"a" b | c') == Alternatives([Run([Text('"a"'), Reference("b")]), Reference("c")])
    assert body("(a | b)+") == Repetition(Alternatives([Reference("a"), Reference("b")]), 1, None)
    assert body("a*") == Repetition(Reference("a"), 0, None)
    assert body("a?") == Repetition(Reference("a"), 0, 1)
    assert body("a{3}") == Repetition(Reference("a"), 3, 3)
    assert body("a{3,}") == Repetition(Reference("a"), 3, None)
    assert body("a{3, 5}") == Repetition(Reference("a"), 3, 5)
    assert body("a{0,0}") == Repetition(Reference("a"), 0, 0)
    assert body(".") == Text("/(?s:.)/")
    assert body("<think> <[7]> !<[8]>") == Run(
        [Special("<think>"), Special("<[7]>"), Special("<[^8]>")]
    )
    assert body('""') == Run([])


def test_escapes_of_strings_and_classes_are_read_as_llama_cpp_reads_them() -> None:
    assert body(r'"\x41\u4e2d\U0001F600\n\"\\\[\]"') == Text('"A中😀\\n\\"\\\\[]"')
    assert body("[^a-c-]") == Text(r"/[^\x{61}-\x{63}\x{2d}-\x{2d}]/")
    assert body(r"[\]\x2F\u4e00-\u9fff]") == Text(
        r"/[\x{5d}-\x{5d}\x{2f}-\x{2f}\x{4e00}-\x{9fff}]/"
    )
    assert body("[^]") == Text("/(?s:.)/")


def test_comments_and_line_breaks_separate_rules() -> None:
    rules = read('# first\nroot ::= a # why\r\n\r\na ::=\n  "x" |\n  # or\n  ("y"\n "z")\n', 100)
    assert list(rules) == ["root", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("root", '"::=" is missing (line 1, column 5)'),
        ("root ::= )", "')' is not expected here"),
        ('root ::= "a', "ends inside a string"),
        ("root ::= [a", "ends inside a string or class"),
        ("root ::= [z-a]", "ends before it starts"),
        ("root ::= []", "matches nothing"),
        (r'root ::= "\q"', "escape is not known"),
        (r'root ::= "\x4"', "escape is not known"),
        (r'root ::= "\ud800"', "U+D800 is no character"),
        (r'root ::= "\UFFFFFFFF"', "is no character"),
        ('root ::= "\\', "escape is not known"),
        ("root ::= a{2,1}", "is expected"),
        ("root ::= a{,}", "is expected"),
        ("root ::= (a", '")" is missing'),
        ("root ::= <a b>", "is expected"),
        ("root ::= !<think>", "numbered token"),
        ("root ::= a\nroot ::= b", "defined twice"),
        ("::= a", "name is missing (line 1, column 1)"),
        ("root ::= " + "(" * 60 + "a" + ")" * 60, "nested more than"),
        ("\n".join(f"r{i} ::= a" for i in range(101)), "more than 100 rules"),
    ],
    ids=lambda case: case[:30],
)
def test_what_is_no_gbnf_is_told_with_line_and_column(text: str, words: str) -> None:
    with pytest.raises(GbnfError) as caught:
        read(text, 100)
    assert words in str(caught.value)
    assert "line" in str(caught.value)


@given(st.text(alphabet='ab"\\[]()|*+?{},.:=<>!#\n -^x4中', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(GbnfError):
        assert "root" in read("root ::= " + text, 50)
