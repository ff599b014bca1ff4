from __future__ import annotations

from typing import Any

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.constraints import Choice, Constraint, Grammar, Json, Regex
from llmd.protocol.models import SamplingDefaults
from llmd.server.completions import schema
from llmd.server.completions.convert import requests
from llmd.server.completions.convert.constraints import constraint
from llmd.server.http.body import decode_json

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def forms(**fields: object) -> schema.Forms:
    return decode_json(msgspec.json.encode(fields), schema.Forms)


def named(**fields: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, **fields}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"response_format": None, "grammar": ""}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, Json()),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, Json(SCHEMA)),
        ({"response_format": named(strict=True)}, Json(SCHEMA)),
        ({"response_format": named(strict=False, description="x")}, Json(SCHEMA)),
        ({"response_format": {"type": "json_schema", "schema": SCHEMA}}, Json(SCHEMA)),
        ({"response_format": named(schema=True)}, Json(schema=True)),
        ({"json_schema": SCHEMA}, Json(SCHEMA)),
        ({"guided_json": SCHEMA}, Json(SCHEMA)),
        ({"guided_json": '{"type": "array"}'}, Json({"type": "array"})),
        ({"regex": "a+"}, Regex("a+")),
        ({"guided_regex": "a+"}, Regex("a+")),
        ({"choice": ["是", "否"]}, Choice(["是", "否"])),
        ({"guided_choice": ["a"]}, Choice(["a"])),
        ({"grammar": 'root ::= "a"'}, Grammar('root ::= "a"', "gbnf")),
        ({"grammar": 'start: "a"'}, Grammar('start: "a"', "lark")),
        (
            {"guided_grammar": 'start: "::="', "grammar_syntax": "lark"},
            Grammar('start: "::="', "lark"),
        ),
        ({"structured_outputs": {"json": SCHEMA}}, Json(SCHEMA)),
        ({"structured_outputs": {"json_object": True}}, Json()),
        ({"structured_outputs": {"regex": "a"}}, Regex("a")),
        ({"structured_outputs": {"choice": ["a"]}}, Choice(["a"])),
        ({"structured_outputs": {"grammar": "root ::= x"}}, Grammar("root ::= x", "gbnf")),
    ],
    ids=str,
)
def test_every_name_for_a_form_is_understood(
    fields: dict[str, object], expected: Constraint | None
) -> None:
    assert constraint(forms(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"regex": "a", "choice": ["b"]}, "choice"),
        ({"response_format": {"type": "json_object"}, "grammar": "root ::= x"}, "grammar"),
        ({"structured_outputs": {"regex": "a", "choice": ["b"]}}, "structured_outputs.choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema",
        ),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"guided_json": "{"}, "guided_json"),
        ({"guided_json": "3"}, "guided_json"),
        ({"grammar_syntax": "antlr"}, "grammar_syntax"),
        ({"choice": "a"}, "choice"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        constraint(forms(**fields))
    assert caught.value.param == param


def test_chat_and_plain_requests_carry_the_form_to_all_their_choices() -> None:
    body: dict[str, Any] = {"regex": "a", "n": 2}
    chat = decode_json(
        msgspec.json.encode({**body, "messages": [{"role": "user", "content": "x"}]}),
        schema.ChatRequest,
    )
    text = decode_json(msgspec.json.encode({**body, "prompt": "x"}), schema.CompletionRequest)
    wanted = [
        *requests.chat_requests(chat, SamplingDefaults()),
        *requests.completion_requests(text, SamplingDefaults()),
    ]
    assert [request.constraint for request in wanted] == [Regex("a")] * 4
