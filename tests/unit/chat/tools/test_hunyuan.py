from __future__ import annotations

import pytest

from llmd.chat.reasoning import HUNYUAN
from llmd.chat.tools.hunyuan import FORMAT
from tests.unit.chat.tools.conftest import OFFER, accepts, calls_of, read, spelling


def tag(name: str, inside: str) -> str:
    return f"<{name}:opensource>{inside}</{name}:opensource>"


def call(name: str, /, **values: str) -> str:
    pairs = "".join(
        f"{tag('arg_key', key)}\n{tag('arg_value', value)}\n" for key, value in values.items()
    )
    return tag("tool_call", f"{name}<tool_sep:opensource>\n{pairs}")


ONE = call("special_function", arg1="1")
CALLS = f"{ONE}\n{call('python', code='a <b>')}\n"
TWO = [("special_function", {"arg1": 1}), ("python", {"code": "a <b>"})]


def test_any_number_of_calls_stand_in_one_section() -> None:
    assert calls_of(FORMAT, tag("tool_calls", f"\n{CALLS}")) == TWO
    assert calls_of(FORMAT, tag("tool_calls", call("empty_args"))) == [("empty_args", {})]


def test_the_section_may_be_missing() -> None:
    assert calls_of(FORMAT, CALLS) == TWO


def test_calls_stand_behind_reasoning_or_end_it() -> None:
    section = tag("tool_calls", f"\n{CALLS}")
    found = read(FORMAT, tag("think", "hm") + "Hello!" + section, thinking=HUNYUAN)
    assert (found.reasoning, found.text, found.calls) == ("hm", "Hello!", TWO)
    found = read(FORMAT, f"hm{section}", thinking=HUNYUAN, opened="<think:opensource>")
    assert (found.reasoning, found.text, found.calls) == ("hm", "", TWO)


@pytest.mark.parametrize(
    "text", [tag("tool_calls", ""), tag("tool_call", "f"), "<tool_call:opensource>hello"]
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(FORMAT, text).text == text


def test_what_is_written_into_prompts_can_be_read_again() -> None:
    text = FORMAT.write("magic_int", '{"ref": 1, "name": "Zürich"}')
    assert calls_of(FORMAT, text) == [("magic_int", {"ref": 1, "name": "Zürich"})]
    assert calls_of(FORMAT, FORMAT.write("f", "no json")) == [("f", {"arguments": "no json"})]


def test_forced_calls_are_written_as_the_template_prints_them() -> None:
    for parallel in (True, False):
        grammar = FORMAT.grammar(OFFER, spelling(FORMAT.markers), parallel=parallel)
        assert accepts(grammar, tag("tool_calls", f"\n{ONE}\n"), FORMAT.markers)
        assert accepts(grammar, tag("tool_calls", f"\n{ONE}\n{ONE}\n"), FORMAT.markers) is parallel
