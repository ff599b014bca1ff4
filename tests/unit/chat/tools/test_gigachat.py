from __future__ import annotations

import pytest

from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.gigachat import FORMAT, MESSAGES
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import calls_of, read, spelling, written

OBJECT = '{"name": "special_function", "arguments": {"arg1": 1}}'
CALL = f"<|function_call|>{OBJECT}"
END = "<|message_sep|>\n\n"
MESSAGE = f"{END}function call<|role_sep|>\n{OBJECT}"
ONE = [("special_function", {"arg1": 1})]


def test_an_object_behind_its_mark_is_a_call() -> None:
    assert calls_of(FORMAT, CALL) == ONE


def test_text_may_stand_before_a_call() -> None:
    found = read(FORMAT, f"Hello, world!{CALL}")
    assert (found.text, found.calls) == ("Hello, world!", ONE)


def test_what_is_no_call_is_text() -> None:
    assert read(FORMAT, "<|function_call|>none").text == "<|function_call|>none"


@pytest.mark.parametrize("end", ["", END, "<|message_sep|>"])
def test_a_message_of_the_calling_role_is_a_call(end: str) -> None:
    assert calls_of(MESSAGES, MESSAGE + end) == ONE
    found = read(MESSAGES, f"Hello, world!\nWhat's up?{MESSAGE}{end}")
    assert (found.text, found.calls) == ("Hello, world!\nWhat's up?", ONE)
    assert calls_of(MESSAGES, MESSAGE.removeprefix(END) + end) == ONE


def test_the_end_of_an_answer_is_no_part_of_it() -> None:
    assert read(MESSAGES, f"Hello, world!\n{END}").text == "Hello, world!\n"
    assert read(MESSAGES, f"Hello!{END}", offer=Offer()).text == "Hello!"


@pytest.mark.parametrize(
    "text", [f"a{END}b", f"{END}function call: none", f"{END}function call<|role_sep|>\nno"]
)
def test_messages_of_no_call_stay_text(text: str) -> None:
    assert read(MESSAGES, text).text == text


@pytest.mark.parametrize(
    "markers",
    [[END, "<|role_sep|>\n"], [END.strip(), "<|role_sep|>"], []],
    ids=["tokens with lines", "tokens", "text"],
)
def test_a_forced_call_is_spelled_as_the_vocabulary_has_it(markers: list[str]) -> None:
    grammar = MESSAGES.grammar(Offer((Tool("f", {"const": {}}),)), spelling(markers), parallel=True)
    assert written(grammar, markers, 0) == MESSAGE.replace(OBJECT, '{"name": "f", "arguments": {}}')
    assert ("<[257]>" in grammar) == bool(markers)


@pytest.mark.parametrize("form", [FORMAT, MESSAGES], ids=lambda form: form.name)
def test_what_is_written_into_prompts_can_be_read_again(form: CallFormat) -> None:
    text = form.write("get_time", '{"city": "Zürich"}')
    assert calls_of(form, text) == [("get_time", {"city": "Zürich"})]
