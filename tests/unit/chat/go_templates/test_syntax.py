"""Go's template language: texts, trimming, expressions, and what cannot be read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.chat.go_templates.syntax import (
    Assign,
    Branch,
    Call,
    Emit,
    Field,
    Jump,
    Literal,
    Range,
    Text,
    Untranslatable,
    expression,
    parse,
)


def test_texts_are_trimmed_as_the_marks_say() -> None:
    assert parse("a \n {{- .X }} b") == (Text("a"), Emit(Field(".", ("X",))), Text(" b"))
    assert parse("a {{ .X -}} \n b") == (Text("a "), Emit(Field(".", ("X",))), Text("b"))
    assert parse("a{{/* no } matter {{ */}}b") == (Text("a"), Text("b"))
    assert parse("a {{- /* x */ -}} b") == (Text("a"), Text("b"))


def test_texts_inside_actions_may_hold_braces() -> None:
    assert parse('{{ "}}" }}') == (Emit(Literal("}}")),)
    assert parse("{{ `}}\\n` }}") == (Emit(Literal("}}\\n")),)
    assert parse(r'{{ "a\n\"b\" 中" }}') == (Emit(Literal('a\n"b" 中')),)


def test_branches_ranges_and_assignments_nest() -> None:
    tree = parse(
        "{{ range $i, $m := .Messages }}{{ if eq .Role `user` }}u{{ else if .X }}x{{ else }}y"
        "{{ continue }}{{ end }}{{ $a := 1 }}{{ $a = 2 }}{{ end }}"
    )
    condition = Call("eq", (Field(".", ("Role",)), Literal("user")))
    assert tree == (
        Range(
            "i",
            "m",
            Field(".", ("Messages",)),
            (
                Branch(
                    (
                        (condition, (Text("u"),)),
                        (Field(".", ("X",)), (Text("x"),)),
                        (None, (Text("y"), Jump("continue"))),
                    )
                ),
                Assign("a", Literal(1), declares=True),
                Assign("a", Literal(2), declares=False),
            ),
        ),
    )


def test_expressions_nest_in_parentheses() -> None:
    assert expression("and (eq $i 0) (not $.System) nil true -3") == Call(
        "and",
        (
            Call("eq", (Field("$i", ()), Literal(0))),
            Call("not", (Field("$", ("System",)),)),
            Literal(None),
            Literal(True),
            Literal(-3),
        ),
    )
    assert expression("$m.Function.Name") == Field("$m", ("Function", "Name"))
    assert expression(".") == Field(".", ())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a\nb{{ .X", "line 2: an action is never closed"),
        ("{{ if .X }}a", "an if has no end"),
        ("{{ if .X }}a{{ else }}b{{ else }}c{{ end }}", "an if has no end"),
        ("{{ if .X }}a{{ else with .Y }}{{ end }}", "is not known here"),
        ("{{ range .X }}a", "a range has no end"),
        ("{{ range .X }}a{{ else }}{{ end }}", "or an else"),
        ("{{ end }}", "end has no beginning"),
        ("{{ .X | json }}", "is not known here"),
        ("\n{{ with .X }}{{ end }}", "line 2: with is not known here"),
        ('{{ define "x" }}{{ end }}', "define is not known here"),
        ("{{ }}", "an action holds nothing"),
        ("{{ (.X }}", "a parenthesis is not closed"),
        ("{{ .X @ }}", "cannot be read"),
        ('{{ "\\q\\x" }}', "cannot be read"),
        ("{{ if .X }}" * 60 + "{{ end }}" * 60, "nested too deeply"),
        ("{{ " + "(" * 90 + ".X" + ")" * 90 + " }}", "nested too deeply"),
        ("x" * 300_000, "characters"),
    ],
)
def test_what_cannot_be_read_is_told(source: str, said: str) -> None:
    with pytest.raises(Untranslatable, match=said):
        parse(source)


@given(st.text(alphabet='{}- .$ifendrangelse"`()Xx\n:=', max_size=120))
def test_any_text_is_read_or_told(source: str) -> None:
    with contextlib.suppress(Untranslatable):
        assert isinstance(parse(source), tuple)
