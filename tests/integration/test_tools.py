"""Calls of tools and reasoning through the official client. The models here cannot really call
anything: that their calls parse and keep to the schema is the constraint's doing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest

from tests.fakes.random_model import write_random_model
from tests.integration.conftest import Daemon

TEMPLATES = Path(__file__).parents[1] / "data/chat-templates"
QUESTION: list[dict[str, Any]] = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Paris", "東京"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "hourly": {"type": "boolean"},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {
        "type": "function",
        "function": {
            "name": "get_time",
            "description": "time in a zone",
            "parameters": {
                "type": "object",
                "properties": {"zone": {"type": "integer", "minimum": 0, "maximum": 99}},
                "required": ["zone"],
                "additionalProperties": False,
            },
        },
    },
]
SCHEMAS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}
TIME = {"type": "function", "function": {"name": "get_time"}}
# a template, and the control tokens that a model of its family has
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "qwen3": ("Qwen-Qwen3-0.6B", ("<think>", "</think>", "<tool_call>", "</tool_call>")),
    "qwen3.5": ("Qwen3.5-4B", ("<think>", "</think>", "<tool_call>", "</tool_call>")),
    "deepseek": (
        "deepseek-ai-DeepSeek-V3.1",
        (
            "<｜tool▁calls▁begin｜>",
            "<｜tool▁call▁begin｜>",
            "<｜tool▁sep｜>",
            "<think>",
            "</think>",
        ),
    ),
    "kimi": ("Kimi-K2-Instruct", ("<|tool_calls_section_begin|>", "<|tool_call_begin|>")),
    "mistral": ("Mistral-Small-3.2-24B-Instruct-2506", ("[TOOL_CALLS]", "[CALL_ID]", "[ARGS]")),
    "gpt-oss": (
        "openai-gpt-oss-120b",
        # with the last two, llama.cpp knows that <|end|> does not end an answer
        (
            "<|start|>",
            "<|channel|>",
            "<|message|>",
            "<|constrain|>",
            "<|end|>",
            "<|call|>",
            "<|return|>",
        ),
    ),
    "gemma4": ("google-gemma-4-31B-it", ("<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>")),
    "command-r": (
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        ("<|START_ACTION|>", "<|END_ACTION|>", "<|START_THINKING|>", "<|END_THINKING|>"),
    ),
    "glm": ("GLM-4.6", ("<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<think>")),
    "lfm2": ("LFM2-8B-A1B", ("<|tool_call_start|>", "<|tool_call_end|>")),
    "llama": ("meta-llama-Llama-3.1-8B-Instruct", ("<|python_tag|>",)),
    "granite": ("ibm-granite-granite-3.3-2B-Instruct", ("<|tool_call|>",)),
    "functionary": ("meetkai-functionary-medium-v3.2", ()),
    "minimax": ("MiniMax-M2", ("<minimax:tool_call>", "</minimax:tool_call>", "</think>")),
    "minimax-m3": (
        "MiniMax-M3",
        ("]<]minimax[>[", "<tool_call>", "</tool_call>", "<mm:think>", "</mm:think>"),
    ),
    "deepseek-v3.2": ("deepseek-ai-DeepSeek-V3.2", ("｜DSML｜", "<think>", "</think>")),
    "muse": ("muse-glimmer", ("<|start|>", "<|message|>", "<|eom|>")),
    "phi": ("microsoft-Phi-3.5-mini-instruct", ()),
}


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.address}/v1", api_key="any", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    return client.chat.completions.create(
        **{
            "model": "llmd-tiny",
            "messages": QUESTION,
            "temperature": 0,
            "tools": TOOLS,
            "max_tokens": 300,
            **fields,
        }
    )


def check(calls: Any) -> list[str]:
    """Whether calls keep to their schemas; return their names."""
    for call in calls:
        assert call.type == "function"
        assert call.id
        jsonschema.validate(json.loads(call.function.arguments), SCHEMAS[call.function.name])
    return [call.function.name for call in calls]


def gathered(chunks: Any) -> tuple[str, str, list[dict[str, str]], str]:
    """Put a stream together: text, reasoning, calls, why it ended."""
    text = reasoning = reason = ""
    calls: dict[int, dict[str, str]] = {}
    for chunk in chunks:
        (choice,) = chunk.choices
        text += choice.delta.content or ""
        reasoning += getattr(choice.delta, "reasoning_content", None) or ""
        for piece in choice.delta.tool_calls or []:
            call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
            assert bool(piece.id) == bool(piece.function.name) == (not call["id"])
            call["id"] += piece.id or ""
            call["name"] += piece.function.name or ""
            call["arguments"] += piece.function.arguments or ""
        reason = choice.finish_reason or reason
    return text, reasoning, list(calls.values()), reason


@pytest.mark.parametrize("temperature", [0, 1.0])
@pytest.mark.parametrize("parallel", [True, False])
def test_required_calls_keep_to_a_schema(
    client: openai.OpenAI, temperature: float, parallel: bool
) -> None:
    answer = ask(
        client,
        tool_choice="required",
        temperature=temperature,
        seed=3,
        parallel_tool_calls=parallel,
    )
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    names = check(choice.message.tool_calls)
    assert names
    assert parallel or len(names) == 1


def test_a_named_tool_is_called(client: openai.OpenAI) -> None:
    answer = ask(client, tool_choice=TIME)
    assert set(check(answer.choices[0].message.tool_calls)) == {"get_time"}


def test_several_choices_are_all_calls(client: openai.OpenAI) -> None:
    answer = ask(client, tool_choice="required", n=3, temperature=1.5, seed=1)
    assert len(answer.choices) == 3
    for choice in answer.choices:
        assert check(choice.message.tool_calls)
    ids = [call.id for choice in answer.choices for call in choice.message.tool_calls]
    assert len(set(ids)) == len(ids)


def test_a_stream_gives_the_same_call_in_pieces(client: openai.OpenAI) -> None:
    whole = ask(client, tool_choice=TIME, parallel_tool_calls=False).choices[0].message
    chunks = list(ask(client, tool_choice=TIME, parallel_tool_calls=False, stream=True))
    text, _, (call,), reason = gathered(chunks)
    assert (text, reason) == ("", "tool_calls")
    assert call["name"] == "get_time"
    assert call["arguments"] == whole.tool_calls[0].function.arguments


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_model_that_does_not_call_just_answers(client: openai.OpenAI, choice: str) -> None:
    answer = ask(client, tool_choice=choice).choices[0]
    assert answer.finish_reason == "stop"
    assert answer.message.content
    assert answer.message.tool_calls is None


def test_a_conversation_goes_on_behind_a_call(client: openai.OpenAI) -> None:
    message = ask(client, tool_choice=TIME, parallel_tool_calls=False).choices[0].message
    (call,) = message.tool_calls
    history = [
        *QUESTION,
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "12:00"},
    ]
    answer = ask(client, messages=history)
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.usage.prompt_tokens > ask(client).usage.prompt_tokens


def test_calls_may_be_written_as_objects_or_text(client: openai.OpenAI) -> None:
    tokens = []
    for arguments in ({"zone": 3}, '{"zone": 3}'):
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
        history = [
            *QUESTION,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "x"},
        ]
        tokens.append(ask(client, messages=history, max_tokens=1).usage.prompt_tokens)
    assert tokens[0] == tokens[1]


def test_a_strict_tool_that_cannot_be_enforced_is_refused_by_name(client: openai.OpenAI) -> None:
    parameters = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}
    function = {"name": "odd", "parameters": parameters, "strict": True}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, tools=[{"type": "function", "function": function}])
    assert caught.value.param == "tools"
    assert caught.value.body["details"]["tool"] == "odd"  # type: ignore[index]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        ({"tools": None, "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "nobody"}}}, "tool_choice"),
    ],
)
def test_what_is_wrong_is_400_and_names_the_parameter(
    client: openai.OpenAI, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **fields)
    assert caught.value.param == param


def think(client: openai.OpenAI, **fields: Any) -> Any:
    body = {"enable_thinking": True, **fields.pop("extra_body", {})}
    return ask(client, tools=None, max_tokens=40, extra_body=body, **fields)


def test_reasoning_is_told_apart_and_counted(client: openai.OpenAI) -> None:
    answer = think(client)
    (choice,) = answer.choices
    assert choice.message.reasoning_content == "The capital of France is Paris."
    assert choice.message.content == ""
    assert answer.usage.completion_tokens_details.reasoning_tokens == 7
    plain = ask(client, tools=None)
    assert plain.usage.completion_tokens_details.reasoning_tokens == 0


@pytest.mark.parametrize("name", ["reasoning_budget", "thinking_budget_tokens"])
def test_reasoning_ends_when_its_budget_is_used_up(client: openai.OpenAI, name: str) -> None:
    message = think(client, extra_body={name: 3}).choices[0].message
    assert message.reasoning_content == "The capital of"
    nothing = think(client, extra_body={name: 0}).choices[0].message
    assert not hasattr(nothing, "reasoning_content")


def test_reasoning_streams_apart_from_the_answer(client: openai.OpenAI) -> None:
    chunks = think(client, extra_body={"reasoning_budget": 3}, stream=True)
    text, reasoning, _, _ = gathered(chunks)
    assert reasoning == "The capital of"
    whole = think(client, extra_body={"reasoning_budget": 3}).choices[0].message
    assert text == whole.content


def test_raw_text_is_to_be_had(client: openai.OpenAI) -> None:
    message = think(client, extra_body={"reasoning_format": "none", "reasoning_budget": 3})
    content = message.choices[0].message.content
    assert content.startswith("<think>\nThe capital of\n</think>\n\n")


@pytest.mark.parametrize("budget", [0, 3])
def test_calls_and_forms_come_behind_reasoning(client: openai.OpenAI, budget: int) -> None:
    body = {"enable_thinking": True, "reasoning_budget": budget}
    calling = ask(client, tool_choice=TIME, extra_body=body).choices[0].message
    assert check(calling.tool_calls)
    schema = {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    telling = ask(client, tools=None, response_format=form, extra_body=body).choices[0].message
    jsonschema.validate(json.loads(telling.content), schema)
    for message in (calling, telling):
        assert len(getattr(message, "reasoning_content", "").split()) == budget


@pytest.fixture(scope="module")
def family(
    daemon: Daemon, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The name of a random model with a published template, and its reasoning kept short."""
    source, control = FAMILIES[request.param]
    path = tmp_path_factory.mktemp("family") / f"random-{request.param}.gguf"
    template = (TEMPLATES / f"{source}.jinja").read_text(encoding="utf-8")
    write_random_model(path, size=2000, context=8192, template=template, control=control)
    name = f"random-{request.param}"
    daemon.call("POST", "/control/models/import", {"path": str(path), "name": name})
    yield name
    daemon.call("POST", "/control/unload", {"model": name})


@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_random_models_of_every_family_call_tools_when_they_must(
    client: openai.OpenAI, family: str
) -> None:
    fields = {"model": family, "tool_choice": "required", "extra_body": {"reasoning_budget": 2}}
    calls = 0
    for seed in range(3):
        whole = ask(client, **fields, temperature=1, seed=seed, parallel_tool_calls=False)
        (choice,) = whole.choices
        if choice.finish_reason == "length":
            continue
        calls += 1
        assert choice.finish_reason == "tool_calls"
        assert not choice.message.content
        assert len(check(choice.message.tool_calls)) == 1
        again = ask(
            client, **fields, temperature=1, seed=seed, parallel_tool_calls=False, stream=True
        )
        _, _, (streamed,), _ = gathered(again)
        assert streamed["arguments"] == choice.message.tool_calls[0].function.arguments
    assert calls
    call = choice.message.tool_calls[0].model_dump()
    history = [
        *QUESTION,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
    ]
    assert ask(client, model=family, messages=history, max_tokens=2).usage.prompt_tokens
