from __future__ import annotations

from typing import Any

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.events import CallDelta
from llmd.protocol.requests import Reasoning, ToolChoice
from llmd.server.completions import schema
from llmd.server.completions.convert import tools
from llmd.server.http.body import decode_json


def chat(**fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return decode_json(msgspec.json.encode(body), schema.ChatRequest)


def tool(name: str = "f", **more: object) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def test_tools_have_all_that_templates_print() -> None:
    request = chat(tools=[tool(), tool("g", description="d", parameters={"a": 1}, strict=True)])
    bare, full = tools.tools(request)
    assert bare["function"] == {
        "name": "f",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
    }
    assert full["function"] == {
        "name": "g",
        "description": "d",
        "parameters": {"a": 1},
        "strict": True,
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [tool(""), tool()]}, "tools[0].function.name"),
        ({"tools": [tool(), tool("a b")]}, "tools[1].function.name"),
        ({"tools": [tool("x" * 129)]}, "tools[0].function.name"),
        ({"tools": [tool(), tool()]}, "tools[1].function.name"),
        ({"tools": [tool(parameters=[])]}, "tools[0].function.parameters"),
        ({"tools": [tool(parameters={"type": "string"})]}, "tools[0].function.parameters.type"),
        ({"tools": [tool(strict="yes")]}, "tools[0].function.strict"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"tools": [tool()], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.function"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"reasoning_budget": -2}, "reasoning_budget"),
        ({"thinking": {"type": "maybe"}}, "thinking.type"),
    ],
)
def test_what_is_wrong_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request = chat(**fields)
        tools.tools(request)
        tools.choice(request)
    assert (caught.value.param or "").startswith(param.removesuffix(".function"))


def test_names_may_be_those_of_any_language_and_namespace() -> None:
    for name in ("天气", "weather.get", "mcp/files:read", "get-weather_2"):
        assert tools.tools(chat(tools=[tool(name)]))[0]["function"]["name"] == name


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, ToolChoice()),
        ({"tool_choice": "none"}, ToolChoice("none")),
        ({"tool_choice": "required"}, ToolChoice("required")),
        ({"parallel_tool_calls": False}, ToolChoice(parallel=False)),
        ({"parallel_tool_calls": True}, ToolChoice()),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            ToolChoice("named", "f"),
        ),
    ],
)
def test_a_choice_says_whether_and_which_tools_are_called(
    fields: dict[str, object], choice: ToolChoice
) -> None:
    assert tools.choice(chat(tools=[tool()], **fields)) == choice


def test_tools_that_must_not_be_called_are_not_offered() -> None:
    assert tools.tools(chat(tools=[tool()], tool_choice="none")) == []


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({}, Reasoning()),
        ({"enable_thinking": False}, Reasoning(enabled=False)),
        ({"chat_template_kwargs": {"enable_thinking": False}}, Reasoning(enabled=False)),
        ({"chat_template_kwargs": {"enable_thinking": "no"}}, Reasoning()),
        ({"reasoning_effort": "none"}, Reasoning(enabled=False)),
        ({"reasoning_effort": "high"}, Reasoning()),
        ({"thinking": {"type": "disabled"}}, Reasoning(enabled=False)),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Reasoning(enabled=True, budget=9)),
        ({"reasoning_budget": 0}, Reasoning(budget=0)),
        ({"reasoning_budget_tokens": 7}, Reasoning(budget=7)),
        ({"thinking_budget_tokens": 5}, Reasoning(budget=5)),
        ({"thinking_budget_tokens": -1}, Reasoning()),
        ({"reasoning_format": "none"}, Reasoning(separate=False)),
        ({"reasoning_format": "auto"}, Reasoning()),
    ],
)
def test_reasoning_has_many_names(fields: dict[str, object], reasoning: Reasoning) -> None:
    assert tools.reasoning(chat(**fields)) == reasoning


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"reasoning_effort": "minimal"}, {"reasoning_effort": "low"}),
        ({"reasoning_effort": "none"}, {}),
        (
            {"reasoning_effort": "low", "chat_template_kwargs": {"reasoning_effort": "x", "a": 1}},
            {"reasoning_effort": "x", "a": 1},
        ),
    ],
)
def test_the_template_hears_of_the_effort(
    fields: dict[str, object], arguments: dict[str, object]
) -> None:
    assert tools.template_arguments(chat(**fields)) == arguments


def test_pieces_of_calls_are_joined() -> None:
    calls = tools.Calls()
    assert calls.whole() == []
    calls.take([CallDelta(0, "a", "f", "{"), CallDelta(1, "b", "g")])
    calls.take([CallDelta(1, arguments="{}")])
    calls.take([CallDelta(0, arguments="}")])
    assert [(call.id, call.function.name, call.function.arguments) for call in calls.whole()] == [
        ("a", "f", "{}"),
        ("b", "g", "{}"),
    ]


def test_the_first_piece_has_id_and_name_and_later_ones_arguments_alone() -> None:
    pieces = tools.pieces([CallDelta(0, "a", "f"), CallDelta(0, arguments="{")])
    assert msgspec.to_builtins(pieces) == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{"}},
    ]
