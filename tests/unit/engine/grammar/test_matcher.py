from __future__ import annotations

import numpy as np
import pytest

from llmd.engine.bindings import Vocab
from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.matcher import first_line, restrict, settle
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Choice, Grammar, Json, Regex

SIZE = 262
END = 261


def row() -> np.ndarray:
    return np.arange(SIZE, dtype=np.float32)


def left(values: np.ndarray) -> set[int]:
    return set(np.flatnonzero(np.isfinite(values)).tolist())


def test_few_allowed_tokens_keep_their_logits_and_all_others_lose_them(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Regex("[a-c]x"))
    values = row()
    restrict(values, matcher.allowed())
    assert left(values) == {97, 98, 99}
    assert values[98] == 98


def test_many_allowed_tokens_are_left_alone(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Regex(r"(?s:.)*"))
    values = row()
    restrict(values, matcher.allowed())
    # the bytes that never occur in UTF-8, and those that only continue a character, are out
    assert set(range(128)) <= left(values)
    assert {0x80, 0xC0, 0xFF}.isdisjoint(left(values))
    assert END in left(values)


def test_the_end_is_allowed_where_the_grammar_is_complete(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Regex("ab?"))
    matcher.consume(97)
    values = row()
    restrict(values, matcher.allowed())
    assert left(values) == {98, END}


def test_forced_tokens_come_in_order_and_end_with_the_end(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Choice(["yes"]))
    seen = []
    while matcher.forced() != [END]:
        token = matcher.forced()[0]
        seen.append(token)
        matcher.consume(token)
    assert bytes(seen) == b"yes"


def test_nothing_is_forced_where_there_is_a_choice(bytewise: Compiler) -> None:
    assert bytewise.matcher(Json()).forced() == [ord("{")]
    assert bytewise.matcher(Regex("[ab]")).forced() == []


def test_another_token_than_the_forced_one_is_refused(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Choice(["yes"]))
    assert matcher.forced()
    with pytest.raises(ConstraintRefused, match="cannot go on"):
        matcher.consume(ord("n"))


def test_an_allowed_token_is_found_when_the_model_gives_all_of_them_up(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Regex("[x-z]"))
    allowed = matcher.allowed()
    assert settle(ord("y"), allowed) == ord("y")
    assert settle(0, allowed) == ord("x")
    assert settle(-1, allowed) == ord("x")
    assert settle(10_000, allowed) == ord("x")


def test_text_written_before_is_taken_or_refused(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Choice(["北京", "上海"]))
    matcher.consume_text("北".encode())
    assert bytes(matcher.forced()) == "京".encode()
    with pytest.raises(ConstraintRefused):
        bytewise.matcher(Choice(["北京"])).consume_text("上".encode())


def test_control_tokens_in_text_written_before_are_taken_for_such(
    compiler: Compiler, vocab: Vocab
) -> None:
    matcher = compiler.matcher(Grammar('start: "a" <|im_start|> "bc"', "lark"))
    matcher.consume_text(b"a<|im_start|>b")
    assert b"".join(map(vocab.piece, matcher.forced())) == b"c"


def test_an_answer_that_cannot_go_on_is_an_error(bytewise: Compiler) -> None:
    # letters for ever: the greedy terminal takes the end as well
    from llguidance import LLMatcher

    from llmd.engine.grammar.matcher import Matcher

    state = LLMatcher(bytewise.tokenizer, LLMatcher.grammar_from_regex("a"), log_level=0)
    state.consume_token(ord("b"))
    matcher = Matcher(state, bytewise.tokenizer)
    with pytest.raises(ConstraintRefused, match="cannot go on under its constraint"):
        matcher.allowed()
    assert matcher.forced() == []


def test_it_knows_whether_text_fits_and_can_begin_anew(bytewise: Compiler) -> None:
    matcher = bytewise.matcher(Choice(["yes"]))
    assert not matcher.following
    matcher.consume(ord("y"))
    assert matcher.following
    with pytest.raises(ConstraintRefused):
        matcher.consume(ord("n"))
    assert not matcher.following
    for text in (b"yes", b"ye"):
        matcher.restart()
        assert not matcher.following
        matcher.consume_text(text)
        assert matcher.following
    matcher.restart()
    with pytest.raises(ConstraintRefused):
        matcher.consume_text(b"no")
    assert not matcher.following


def test_dumps_of_the_library_are_left_out_of_messages() -> None:
    assert first_line("too many items.\n<state>\nTokens") == "too many items"
    assert first_line("it failed; either increase limits.fuel or so") == "it failed"
    assert first_line("") == ""
