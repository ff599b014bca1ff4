from __future__ import annotations

import numpy as np
import pytest

from llmd.engine.grammar.alternatives import Alternatives, Headed
from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.matcher import Guide
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Choice, Json, Regex

END = 261


def either(compiler: Compiler, *options: str, decided: bool = False) -> Alternatives:
    first, second = (compiler.matcher(Regex(option)) for option in options)
    return Alternatives(first, second, lambda: decided)


def may_come(guide: Guide) -> set[int]:
    return set(np.flatnonzero(guide.allowed()).tolist())


def test_an_answer_may_go_on_as_either_has_it_while_it_fits_both(bytewise: Compiler) -> None:
    guide = either(bytewise, "ab[cd]", "a[be]f")
    guide.consume(ord("a"))
    assert may_come(guide) == {ord("b"), ord("e")}
    guide.consume(ord("b"))
    assert may_come(guide) == {ord("c"), ord("d"), ord("f")}
    guide.consume(ord("f"))
    assert guide.forced() == [END]


def test_what_both_force_is_forced(bytewise: Compiler) -> None:
    guide = either(bytewise, "same one", "same two")
    assert bytes(guide.forced()) == b"same "
    guide.consume_text(b"same t")
    assert bytes(guide.forced()[:2]) == b"wo"


def test_one_may_end_where_the_other_goes_on(bytewise: Compiler) -> None:
    guide = either(bytewise, "a", "ab")
    guide.consume(ord("a"))
    assert guide.forced() == []
    assert may_come(guide) == {ord("b"), END}


def test_what_fits_neither_is_refused(bytewise: Compiler) -> None:
    guide = either(bytewise, "ab", "ac")
    with pytest.raises(ConstraintRefused, match="cannot go on"):
        guide.consume(ord("x"))


def test_once_it_is_decided_the_first_alone_counts(bytewise: Compiler) -> None:
    guide = either(bytewise, "a", "[ab]", decided=True)
    assert may_come(guide) == {ord("a")}
    # nothing is left to decide where the first is out
    decisions = [False]
    first, second = bytewise.matcher(Regex("ax")), bytewise.matcher(Regex("ay"))
    guide = Alternatives(first, second, lambda: decisions[0])
    guide.consume_text(b"ay")
    decisions[0] = True
    assert guide.forced() == [END]


def test_json_stands_beside_json_of_another_kind(bytewise: Compiler) -> None:
    # in one grammar the longer word, up to the name, would win over the bracket
    call = bytewise.matcher(Choice(['{"name":"f"}']))
    form = bytewise.matcher(Json({"type": "object", "properties": {"a": {"type": "integer"}}}))
    guide = Alternatives(call, form, lambda: False)
    guide.consume_text(b'{"a":1}')
    assert END in may_come(guide)


def test_a_head_comes_before_the_body(bytewise: Compiler) -> None:
    guide = Headed(b"to:", bytewise.matcher(Choice(["all", "one"])))
    assert bytes(guide.forced()) == b"to:"
    assert may_come(guide) == {ord("t")}
    with pytest.raises(ConstraintRefused, match="no token"):
        guide.consume(ord("x"))
    for letter in b"to:":
        guide.consume(letter)
    assert guide.forced() == []
    assert may_come(guide) == {ord("a"), ord("o")}
    guide.consume(ord("a"))
    assert bytes(guide.forced()) == b"ll"


def test_text_written_before_stands_for_the_head_as_well(bytewise: Compiler) -> None:
    guide = Headed(b"to:", bytewise.matcher(Choice(["all"])))
    guide.consume_text(b"a")
    assert bytes(guide.forced()) == b"ll"
