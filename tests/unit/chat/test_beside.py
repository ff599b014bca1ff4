from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from llmd.chat.abilities import Message
from llmd.chat.beside import with_text
from tests.unit.chat.conftest import SOURCES, WEATHER, template

ASKED: Message = {"role": "user", "content": "Weather?"}


def calling(text: str | None, *names: str) -> Message:
    calls = [{"function": {"name": name, "arguments": {}}} for name in names]
    return {"role": "assistant", "content": text, "tool_calls": calls}


def render(messages: Sequence[Message]) -> str:
    """Print calls alone."""
    return "".join(
        f"[CALLS]{json.dumps([call['function']['name'] for call in message['tool_calls']])}"
        if "tool_calls" in message
        else f"({message['content']})"
        for message in messages
    )


def test_text_stands_right_before_the_calls_it_came_with() -> None:
    talk = [ASKED, calling("Let me.", "f", "g"), calling("", "f"), calling("And", "h"), ASKED]
    assert with_text(talk, "[CALLS]", render) == (
        '(Weather?)Let me.[CALLS]["f", "g"][CALLS]["f"]And[CALLS]["h"](Weather?)'
    )


def test_a_conversation_without_such_text_is_rendered_as_it_is() -> None:
    talk = [ASKED, calling(None, "f"), {"role": "assistant", "content": "Sunny."}]
    assert with_text(talk, "[CALLS]", render) == render(talk)


def test_what_somebody_says_is_not_taken_for_a_mark() -> None:
    said = {"role": "user", "content": "llmdSaysThis"}
    talk = [said, calling("Hm.", "f")]
    assert with_text(talk, "[CALLS]", render) == '(llmdSaysThis)Hm.[CALLS]["f"]'


@pytest.mark.parametrize("opening", ["[OTHER]", "[CALLS]"])
def test_calls_that_come_out_otherwise_stay_as_they_are(opening: str) -> None:
    def twice(messages: Sequence[Message]) -> str:
        return render(messages) * (1 if opening == "[OTHER]" else 2)

    talk = [ASKED, calling("Hm.", "f")]
    assert with_text(talk, opening, twice) == twice(talk)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Mistral-Small-3.2-24B-Instruct-2506", "[TOOL_CALLS]get_weather[CALL_ID]"),
        ("mistralai-Mistral-Nemo-Instruct-2407", '[TOOL_CALLS][{"name": "get_weather"'),
    ],
)
def test_the_mistrals_keep_what_they_said(name: str, call: str) -> None:
    made = template(SOURCES[name].read_text(encoding="utf-8"))
    function = {"name": "get_weather", "arguments": '{"city": "Bern"}'}
    calling = {
        "role": "assistant",
        "content": "Let me.",
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
    for talk in ([ASKED, calling, result], [ASKED, calling, result, calling, result, ASKED]):
        text = made.render(talk, [WEATHER])
        assert text.count(f"Let me.{call}") == talk.count(calling)
