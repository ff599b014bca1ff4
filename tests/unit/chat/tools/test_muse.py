from __future__ import annotations

import pytest

from llmd.chat.reasoning import MUSE
from llmd.chat.tools.muse import FORMAT
from llmd.chat.tools.offer import Offer
from tests.unit.chat.tools.conftest import OFFER, Read, accepts, spelling
from tests.unit.chat.tools.conftest import read as read_any

CALL = (
    '<atem:function_calls>\n<atem:invoke name="special_function">\n'
    '<atem:parameter name="arg1">1</atem:parameter>\n</atem:invoke>\n</atem:function_calls>'
)
THOUGHT = " to=self<|message|>I'm\nthinking<|eom|><|start|>assistant"
ANSWER = " to=user<|message|>Hello!"
ONE = [("special_function", {"arg1": 1})]
TOKENS = ("<|start|>", "<|message|>", "<|eom|>")


def read(text: str, **wishes: object) -> Read:
    return read_any(FORMAT, text, thinking=MUSE, **wishes)  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["", "<|eot|>"])
@pytest.mark.parametrize("head", [" to=user<|message|>", "<|message|>", ""])
def test_what_is_said_to_the_user_is_the_answer(head: str, end: str) -> None:
    assert read(f"{head}Hello!{end}").text == "Hello!"
    assert read(f"{THOUGHT}{ANSWER}{end}") == Read("Hello!", "I'm\nthinking", [], [], ended=False)


def test_what_is_said_to_a_tool_is_a_call() -> None:
    found = read(f"{THOUGHT} to=special_function<|message|>{CALL}<|eot|>")
    assert (found.text, found.reasoning, found.calls) == ("", "I'm\nthinking", ONE)


def test_calls_stand_behind_an_answer_and_behind_each_other() -> None:
    one = f"<|eom|><|start|>assistant to=special_function<|message|>{CALL}"
    found = read(f"{ANSWER}{one}{one}<|eot|>")
    assert (found.text, found.calls) == ("Hello!", ONE * 2)
    single = read(f"{ANSWER}{one}{one}", parallel=False)
    assert (single.calls, single.ended) == (ONE, True)


def test_tags_that_are_quoted_are_no_call() -> None:
    found = read(f" to=user<|message|>You write:\n{CALL}<|eot|>")
    assert (found.text, found.calls) == (f"You write:\n{CALL}", [])
    thought = read(f" to=self<|message|>I could use {CALL} here<|eom|><|start|>assistant{ANSWER}")
    assert (thought.reasoning, thought.text) == (f"I could use {CALL} here", "Hello!")


def test_what_a_tool_cannot_read_is_text() -> None:
    assert read(" to=special_function<|message|>hi<|eot|>").text == "hi"
    assert read(f" to=f<|message|>{CALL}", offer=Offer()).text == CALL


def test_reasoning_that_is_not_kept_apart_keeps_its_marks() -> None:
    found = read(f"{THOUGHT}{ANSWER}", separate=False)
    assert found.text == " to=self<|message|>I'm\nthinking<|eom|>Hello!"


@pytest.mark.parametrize("tokens", [(), TOKENS], ids=["text", "tokens"])
def test_several_calls_are_messages_of_their_own(tokens: tuple[str, ...]) -> None:
    one = f" to=special_function<|message|>{CALL}"
    both = f"{one}<|eom|><|start|>assistant{one}"
    offer = OFFER.only("special_function")
    for parallel in (True, False):
        grammar = FORMAT.grammar(offer, spelling(tokens), parallel=parallel)
        assert accepts(grammar, one, tokens)
        assert accepts(grammar, both, tokens) is parallel
