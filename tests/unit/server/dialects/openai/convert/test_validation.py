from __future__ import annotations

import msgspec
import pytest

from llmd.errors import ConstraintRefused, InvalidRequest
from llmd.protocol.constraints import Grammar, Json, Proposal, Regex
from llmd.server.dialects.openai import schema
from llmd.server.dialects.openai.convert.validation import proposals, validity
from llmd.server.http.body import decode_json

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def validate(**fields: object) -> list[Proposal]:
    return proposals(decode_json(msgspec.json.encode(fields), schema.ValidateRequest))


def test_all_that_is_to_be_validated_is_proposed() -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "g"}},
    ]
    assert validate(schema=SCHEMA, grammar="x: y", syntax="gbnf", regex="a", tools=tools) == [
        Proposal(Regex("a")),
        Proposal(Grammar("x: y", "gbnf")),
        Proposal(Json(SCHEMA)),
        Proposal(Json(SCHEMA), "f"),
    ]
    assert validate(schema=False) == [Proposal(Json(schema=False))]
    assert validate(response_format={"type": "text"}) == []


def test_nothing_to_validate_and_tools_without_names_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="nothing to validate"):
        validate()
    with pytest.raises(InvalidRequest) as caught:
        validate(tools=[{"type": "function", "function": {}}])
    assert caught.value.param == "tools[0].function.name"


def test_a_verdict_tells_what_is_known() -> None:
    assert msgspec.json.encode(validity(None)) == b'{"valid":true}'
    fault = ConstraintRefused("No.", hint="Mend it.", param="tools", tool="f", path="$.a")
    assert msgspec.to_builtins(validity(fault)) == {
        "valid": False,
        "error": {
            "message": "No. Mend it.",
            "param": "tools",
            "tool": "f",
            "path": "$.a",
            "keyword": None,
        },
    }
