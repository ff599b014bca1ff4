from __future__ import annotations

import pytest

from llmd.chat.reasoning import SOLAR
from llmd.chat.tools.offer import Offer
from llmd.chat.tools.solar import FORMAT
from tests.unit.chat.tools.conftest import OFFER, accepts, read, spelling

NEXT = "<|begin|>assistant"


def call(call_id: str, name: str, arguments: str) -> str:
    head = f"<|tool_call:begin|>{call_id}<|tool_call:name|>{name}"
    return f"{head}<|tool_call:args|>{arguments}<|tool_call:end|>"


ONE = call("a1b2c3d4e5", "special_function", '{"arg1": 1}')
CALLS = f"<|tool_calls|>{ONE}{call('f6g7h8i9j0', 'empty_args', '{}')}<|calls|>"
TWO = [("special_function", {"arg1": 1}), ("empty_args", {})]


def test_calls_keep_the_ids_that_the_model_gave_them() -> None:
    found = read(FORMAT, CALLS)
    assert (found.text, found.calls) == ("", TWO)
    assert found.ids == ["a1b2c3d4e5", "f6g7h8i9j0"]


def test_messages_are_told_apart_by_their_kind() -> None:
    thought = f"<|think|>I'm\nthinking<|end|>{NEXT}"
    said = "<|content|>Hello!<|end|>"
    found = read(FORMAT, thought + said, thinking=SOLAR, offer=Offer())
    assert (found.reasoning, found.text) == ("I'm\nthinking", "Hello!")
    found = read(FORMAT, f"{thought}{said}{NEXT}{CALLS}", thinking=SOLAR)
    assert (found.reasoning, found.text, found.calls) == ("I'm\nthinking", "Hello!", TWO)
    found = read(FORMAT, f"{said}{NEXT}{thought}{CALLS}", thinking=SOLAR)
    assert (found.reasoning, found.text, found.calls) == ("I'm\nthinking", "Hello!", TWO)


@pytest.mark.parametrize("behind", ["<|content|>Hello!", CALLS + "Hello!"])
def test_an_answer_or_calls_end_reasoning_that_was_not_closed(behind: str) -> None:
    found = read(FORMAT, f"<|think|>hm{behind}", thinking=SOLAR)
    assert (found.reasoning, found.text) == ("hm", "Hello!")


@pytest.mark.parametrize("text", ["<|tool_call:begin|>none", call("a", "f", "no")])
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


def test_forced_calls_are_written_as_the_template_prints_them() -> None:
    for parallel in (True, False):
        grammar = FORMAT.grammar(OFFER, spelling(FORMAT.markers), parallel=parallel)
        assert accepts(grammar, f"<|tool_calls|>{ONE}", FORMAT.markers)
        assert accepts(grammar, f"<|tool_calls|>{ONE}{ONE}", FORMAT.markers) is parallel
