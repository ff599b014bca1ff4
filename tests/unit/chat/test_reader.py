from __future__ import annotations

from llmd.chat.reader import AnswerReader, Layout
from llmd.chat.reasoning import HARMONY, THINK
from llmd.chat.tools import harmony, hermes
from llmd.chat.tools.offer import Offer, Tool
from llmd.protocol.events import CallDelta, Portion

OFFER = Offer((Tool("f", {}),))


def reader(**wishes: object) -> AnswerReader:
    layout = Layout(hermes.FORMAT, **{"offer": OFFER, "thinking": THINK, **wishes})  # type: ignore[arg-type]
    return AnswerReader(layout, frozenset({7}), lambda: "id")


def test_an_answer_goes_through_its_stations() -> None:
    made = reader(opened="<think>")
    seen = []
    for text in (
        "a",
        "</think>b",
        '<tool_call>{"name": "f", "arguments": {"x"',
        ": 1}}</tool_call>",
    ):
        portion = made.push(text)
        seen.append((portion, made.thinking, made.called, made.ended))
    assert seen == [
        (Portion(reasoning="a"), True, False, False),
        (Portion("b"), False, False, False),
        (Portion(calls=[CallDelta(0, "id", "f", '{"x"')]), False, True, False),
        (Portion(calls=[CallDelta(0, arguments=": 1}")]), False, True, False),
    ]
    assert made.close() == Portion()
    assert made.visible == {7}


def test_reasoning_counts_from_the_first_token_when_the_prompt_opened_it() -> None:
    assert reader(opened="<think>").thinking
    assert not reader().thinking


def test_an_answer_of_one_call_ends_with_it() -> None:
    made = reader(parallel=False)
    assert not made.ended
    call = '<tool_call>{"name": "f"}</tool_call>'
    assert made.push(call + "\n").calls
    assert made.ended
    assert made.push(call) == Portion()
    assert made.push("never shown") == Portion()
    assert made.close() == Portion()


def test_a_call_that_may_not_begin_is_text() -> None:
    layout = Layout(hermes.FORMAT, Offer((*OFFER.tools, Tool("g", {}))))
    made = AnswerReader(layout, frozenset(), lambda: "id", lambda name: name == "f")
    calls = [f'<tool_call>{{"name": "{name}", "arguments": {{}}}}</tool_call>' for name in "gfg"]
    assert made.push(calls[0]).text == calls[0]
    assert made.calls == 0
    assert made.push(calls[1]).calls == [CallDelta(0, "id", "f", "{}")]
    assert made.push(calls[2]).text == calls[2]
    assert made.calls == 1


def test_only_what_is_looked_for_must_be_visible() -> None:
    assert Layout(hermes.FORMAT).markers == ()
    assert Layout(hermes.FORMAT, thinking=THINK).markers == ("<think>", "</think>")
    assert "<tool_call>" in Layout(hermes.FORMAT, OFFER).markers
    assert "<|message|>" in Layout(harmony.FORMAT, thinking=HARMONY).markers


def test_formats_that_frame_everything_are_read_without_tools_too() -> None:
    layout = Layout(harmony.FORMAT, thinking=HARMONY)
    made = AnswerReader(layout, frozenset(), lambda: "id")
    assert made.push("<|channel|>final<|message|>Hi") == Portion("Hi")
