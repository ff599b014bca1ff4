"""Answers held to schemas, grammars, patterns and choices, through the official client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import openai
import pytest

from tests.integration.conftest import Daemon

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 8},
        "country": {"enum": ["France", "中国"]},
        "large": {"type": "boolean"},
        "people": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["city", "country", "large", "people"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.address}/v1", api_key="any", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    return client.chat.completions.create(
        **{"model": "llmd-tiny", "messages": QUESTION, "max_tokens": 200, **fields}
    )


def content(client: openai.OpenAI, **extra: Any) -> str:
    return str(ask(client, extra_body=extra).choices[0].message.content)


def check(text: str) -> None:
    jsonschema.validate(json.loads(text), SCHEMA)
    assert json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False) == text


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_a_schema_is_kept_whole_and_streamed(client: openai.OpenAI, temperature: float) -> None:
    whole = ask(client, response_format=FORMAT, temperature=temperature, seed=5)
    assert whole.choices[0].finish_reason == "stop"
    check(whole.choices[0].message.content)
    chunks = list(ask(client, response_format=FORMAT, temperature=temperature, seed=5, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content


def test_several_choices_differ_and_each_keeps_to_the_schema(client: openai.OpenAI) -> None:
    answer = ask(client, response_format=FORMAT, n=4, seed=1, temperature=1.5)
    texts = [choice.message.content for choice in answer.choices]
    assert len(set(texts)) > 1
    for text in texts:
        check(text)


def test_a_seed_repeats_what_is_read_and_written_alone(client: openai.OpenAI) -> None:
    # a prompt from the cache is rounded otherwise than one that is read
    texts = {
        ask(
            client,
            response_format=FORMAT,
            seed=7,
            temperature=1.5,
            extra_body={"cache_prompt": False},
        )
        .choices[0]
        .message.content
        for _ in range(4)
    }
    assert len(texts) == 1


def test_the_client_reads_its_own_models_out_of_answers(client: openai.OpenAI) -> None:
    import pydantic

    class City(pydantic.BaseModel):
        large: bool
        population: int | None

    answer = client.chat.completions.parse(
        model="llmd-tiny",
        messages=QUESTION,  # type: ignore[arg-type]
        response_format=City,
        max_tokens=60,
        temperature=0,
    )
    assert isinstance(answer.choices[0].message.parsed, City)


def test_any_object_and_an_answer_cut_short(client: openai.OpenAI) -> None:
    answer = ask(client, response_format={"type": "json_object"}, max_tokens=3, temperature=0)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content.startswith("{")


def test_patterns_choices_and_grammars(client: openai.OpenAI) -> None:
    assert re.fullmatch("[0-9]{3}-[a-f]{2}", content(client, regex="[0-9]{3}-[a-f]{2}"))
    assert content(client, guided_choice=["北京", "巴黎"]) in {"北京", "巴黎"}
    assert content(client, grammar='root ::= "Paris" | "Lyon"') in {"Paris", "Lyon"}
    assert content(client, grammar='start: "a" <|im_start|>', grammar_syntax="lark") == "a"
    assert content(client, choice=["Paris"], ignore_eos=True) == "Paris"


def test_plain_completions_are_held_to_forms_too(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="llmd-tiny",
        prompt="The capital of France is",
        extra_body={"choice": [" Paris", " Rome"]},
    )
    assert answer.choices[0].text in {" Paris", " Rome"}


def test_constrained_and_free_answers_share_a_batch(daemon: Daemon) -> None:
    async def one(client: openai.AsyncOpenAI, number: int) -> str:
        fields: dict[str, Any] = {"response_format": FORMAT} if number % 2 else {"temperature": 0}
        answer = await client.chat.completions.create(
            model="llmd-tiny",
            messages=QUESTION,
            max_tokens=200,
            **fields,  # type: ignore[arg-type]
        )
        return str(answer.choices[0].message.content)

    async def run() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{daemon.address}/v1", api_key="any") as client:
            return list(await asyncio.gather(*(one(client, number) for number in range(16))))

    for number, text in enumerate(asyncio.run(run())):
        if number % 2:
            check(text)
        else:
            assert text == "The capital of France is Paris."


@pytest.mark.parametrize("mode", ["off", "ngram"])
def test_guessing_ahead_changes_nothing(client: openai.OpenAI, mode: str) -> None:
    plain = ask(client, response_format=FORMAT, temperature=0).choices[0].message.content
    predicted = {"type": "content", "content": plain}
    extra = {"speculation": mode, "prediction": predicted}
    answer = ask(client, response_format=FORMAT, temperature=0, extra_body=extra)
    assert answer.choices[0].message.content == plain


IMPOSSIBLE = {
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {}, "uniqueItems": True}},
}


@pytest.mark.parametrize("stream", [False, True])
def test_an_impossible_schema_is_refused_with_place_and_keyword(
    client: openai.OpenAI, stream: bool
) -> None:
    format_ = {"type": "json_schema", "json_schema": {"name": "x", "schema": IMPOSSIBLE}}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, response_format=format_, stream=stream)
    body: Any = caught.value.body
    assert body["code"] == "constraint_refused"
    assert body["param"] == "response_format"
    assert body["details"] == {"path": "$.properties.tags", "keyword": "uniqueItems"}


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"regex": "("}, "regex"),
        ({"grammar": "root ::= ("}, "grammar"),
        ({"choice": []}, "choice"),
        ({"json_schema": {"minimum": 10**30}}, "response_format"),
        ({"regex": "a", "choice": ["a"]}, "choice"),
    ],
    ids=str,
)
def test_other_impossible_forms_are_refused(
    client: openai.OpenAI, extra: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        content(client, **extra)
    assert caught.value.param == param


def test_a_schema_that_breaks_the_compiler_hurts_nobody(
    client: openai.OpenAI, daemon: Daemon
) -> None:
    ask(client, max_tokens=1)
    workers = daemon.workers()
    chain: dict[str, Any] = {
        f"a{i}": {"properties": {"x": {"$ref": f"#/$defs/a{i + 1}"}}} for i in range(1500)
    }
    with pytest.raises(openai.BadRequestError, match="too complex"):
        content(client, json_schema={"$defs": {**chain, "a1500": {}}, "$ref": "#/$defs/a0"})
    assert daemon.workers() == workers
    assert content(client, choice=["still here"]) == "still here"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_gets_stuck_fails_alone(
    client: openai.OpenAI, daemon: Daemon, stream: bool
) -> None:
    ask(client, max_tokens=1)
    workers = daemon.workers()
    # the longer an answer, the more ways there are to read it
    grammar = 'start: "so" ((("a" | "b"){1,1000}){1,1000}){1,1000}'
    with pytest.raises(openai.APIError, match="cannot go on under its constraint"):
        list(ask(client, extra_body={"grammar": grammar, "ignore_eos": True}, stream=stream))
    assert daemon.workers() == workers
    assert content(client, choice=["still here"]) == "still here"


def test_validation_tells_beforehand_without_a_model(daemon: Daemon) -> None:
    def validate(**body: Any) -> Any:
        return daemon.call("POST", "/v1/validate", body)

    assert validate(response_format=FORMAT) == {"valid": True}
    assert validate(grammar="root ::= <tool_call>", choice=["a"]) == {"valid": True}
    tools = [{"type": "function", "function": {"name": "tag", "parameters": IMPOSSIBLE}}]
    verdict = validate(tools=tools)
    assert not verdict["valid"]
    error = verdict["error"]
    assert (error["tool"], error["path"]) == ("tag", "$.properties.tags")
    assert error["keyword"] == "uniqueItems"
    assert validate()["error"]["code"] == "invalid_request"
