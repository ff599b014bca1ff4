from __future__ import annotations

import pytest

from llmd.chat.tools.generic import FORMAT
from tests.unit.chat.tools.conftest import calls_of, read

CALL = '{"name": "get_time", "arguments": {"city": "Paris"}}'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"[{CALL}]",
        f"```json\n{CALL}\n```",
        f"```json\n[{CALL}]\n```\n",
        f"```tool_code\n{CALL}\n```",
        f"<tool_call>{CALL}</tool_call>",
    ],
)
def test_json_that_names_an_offered_tool_is_a_call(text: str) -> None:
    assert calls_of(FORMAT, text) == [("get_time", {"city": "Paris"})]


def test_fenced_calls_stand_anywhere() -> None:
    found = read(FORMAT, f"I will look.\n```json\n{CALL}\n```\nWait.")
    assert (found.text, found.calls) == ("I will look.\n\nWait.", [("get_time", {"city": "Paris"})])


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        '```json\n{"name": "Alice", "age": 3}\n```',
        '{"name": "nobody", "arguments": {}}',
        "```python\nprint(1)\n```",
        f"In the middle {CALL}",
    ],
)
def test_other_json_and_code_stay_text(text: str) -> None:
    found = read(FORMAT, text)
    assert (found.text, found.calls) == (text, [])
