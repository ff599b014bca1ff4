from __future__ import annotations

import pytest

from llmd.chat.tools.mistral import ARGUMENTS, IDS, LIST
from tests.unit.chat.tools.conftest import calls_of, read

LISTED = '[TOOL_CALLS][{"name": "special_function", "arguments": {"arg1": 1}, "id": "123456789"}]'


@pytest.mark.parametrize("form", [LIST, ARGUMENTS, IDS], ids=lambda form: form.name)
@pytest.mark.parametrize(
    "text",
    [
        LISTED,
        '[TOOL_CALLS]special_function[ARGS]{"arg1": 1}',
        '[TOOL_CALLS]special_function[CALL_ID]123456789[ARGS]{"arg1": 1}',
        '[TOOL_CALLS] special_function{"arg1": 1}',
    ],
)
def test_every_generation_writes_calls_in_its_own_way(form: object, text: str) -> None:
    assert calls_of(form, text) == [("special_function", {"arg1": 1})]  # type: ignore[arg-type]


def test_several_calls_keep_the_ids_that_come_before_arguments() -> None:
    text = (
        '[TOOL_CALLS]special_function[CALL_ID]000000001[ARGS]{"arg1": 1}'
        '[TOOL_CALLS]special_function_with_opt[CALL_ID]000000002[ARGS]{"arg1": 1, "arg2": 2}'
    )
    found = read(IDS, text)
    assert found.calls == [
        ("special_function", {"arg1": 1}),
        ("special_function_with_opt", {"arg1": 1, "arg2": 2}),
    ]
    assert found.ids == ["000000001", "000000002"]
    assert read(LIST, LISTED).ids == ["call_1"]


def test_text_may_stand_before_a_call() -> None:
    found = read(ARGUMENTS, 'Hello!\n[TOOL_CALLS]python[ARGS]{"code": "1[ARGS]"}')
    assert (found.text, found.calls) == ("Hello!\n", [("python", {"code": "1[ARGS]"})])


@pytest.mark.parametrize(
    "text", ["[TOOL_CALLS]", "[TOOL_CALLS]f", "[TOOL_CALLS]f[ARGS]x", "[TOOL_CALLS][]"]
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(LIST, text).text == text
