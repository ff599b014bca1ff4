"""The official OpenAI client is the judge of `/v1`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest

from tests.integration.conftest import Daemon

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
ANSWER = "The capital of France is Paris."


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.address}/v1", api_key="any", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, **fields: object) -> openai.types.chat.ChatCompletion:
    return client.chat.completions.create(
        **{"model": "llmd-tiny", "messages": QUESTION, "temperature": 0, **fields}
    )  # type: ignore[call-overload,no-any-return]


def test_a_chat_is_answered_with_usage(client: openai.OpenAI) -> None:
    answer = ask(client)
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        answer.usage.total_tokens,
    ) == (15, 8, 23)
    assert answer.usage.prompt_tokens_details
    assert answer.usage.prompt_tokens_details.cached_tokens < answer.usage.prompt_tokens
    assert answer.model == "llmd-tiny"


def test_a_streamed_chat_with_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="llmd-tiny",
        messages=QUESTION,  # type: ignore[arg-type]
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == ANSWER
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 8


async def test_the_async_client_with_many_at_once(daemon: Daemon) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{daemon.address}/v1", api_key="any", max_retries=0
    ) as client:

        async def one() -> str:
            stream = await client.chat.completions.create(
                model="llmd-tiny",
                messages=QUESTION,  # type: ignore[arg-type]
                temperature=0,
                stream=True,
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream])

        assert await asyncio.gather(*(one() for _ in range(40))) == [ANSWER] * 40


def test_several_choices_of_one_prompt(client: openai.OpenAI) -> None:
    answer = ask(client, n=3, temperature=1.5, seed=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert all(choice.message.content for choice in answer.choices)
    assert answer.usage
    assert answer.usage.prompt_tokens == 15


def test_a_stream_of_several_choices_keeps_them_apart(client: openai.OpenAI) -> None:
    texts = {0: "", 1: ""}
    for chunk in client.chat.completions.create(
        model="llmd-tiny",
        messages=QUESTION,  # type: ignore[arg-type]
        temperature=0,
        n=2,
        stream=True,
    ):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == {0: ANSWER, 1: ANSWER}


def test_a_seed_repeats_an_answer(client: openai.OpenAI) -> None:
    answers = {
        ask(client, temperature=2.0, top_p=1, seed=11, max_tokens=20).choices[0].message.content
        for _ in range(3)
    }
    assert len(answers) == 1


def test_logprobs_explain_the_answer(client: openai.OpenAI) -> None:
    choice = ask(client, logprobs=True, top_logprobs=2).choices[0]
    assert choice.logprobs
    assert choice.logprobs.content
    assert "".join(item.token for item in choice.logprobs.content) == ANSWER
    assert all(len(item.top_logprobs) == 2 for item in choice.logprobs.content)


def test_stop_texts_and_limits(client: openai.OpenAI) -> None:
    assert (
        ask(client, stop=[" Paris", "zzz"]).choices[0].message.content == "The capital of France is"
    )
    short = ask(client, max_completion_tokens=2).choices[0]
    assert (short.message.content, short.finish_reason) == ("The capital", "length")


def test_an_answer_that_was_begun_goes_on(client: openai.OpenAI, daemon: Daemon) -> None:
    begun = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "The capital of"},
    ]
    body: dict[str, Any] = {"model": "llmd-tiny", "messages": begun, "temperature": 0}
    answer = client.chat.completions.create(**body)
    assert answer.choices[0].message.content == " France is Paris."
    rendered = daemon.call("POST", "/v1/apply-template", body)
    assert rendered["prompt"].endswith("<|im_start|>assistant\nThe capital of")
    assert answer.usage
    assert answer.usage.prompt_tokens == rendered["count"]
    closed = daemon.call("POST", "/v1/apply-template", {**body, "continue_final_message": False})
    assert closed["prompt"].endswith("The capital of<|im_end|>\n<|im_start|>assistant\n")
    with pytest.raises(openai.BadRequestError, match="cannot be continued"):
        client.chat.completions.create(
            **{**body, "messages": begun[:1]}, extra_body={"continue_final_message": True}
        )


def test_logit_bias_bans_a_token(client: openai.OpenAI) -> None:
    banned = ask(client, logit_bias={str(token): -100 for token in range(300, 4000)}, max_tokens=5)
    assert banned.choices[0].message.content != ANSWER


def test_plain_completions_whole_and_streamed(client: openai.OpenAI) -> None:
    prompt = "<|im_start|>user\nWhat is the capital of Japan?<|im_end|>\n<|im_start|>assistant\n"
    answer = client.completions.create(
        model="llmd-tiny", prompt=[prompt, prompt], temperature=0, logprobs=1
    )
    assert [choice.text for choice in answer.choices] == ["The capital of Japan is Tokyo."] * 2
    assert answer.choices[0].logprobs
    assert answer.choices[0].logprobs.tokens
    streamed = client.completions.create(
        model="llmd-tiny", prompt=prompt, temperature=0, stream=True, max_tokens=99
    )
    assert "".join(chunk.choices[0].text for chunk in streamed) == "The capital of Japan is Tokyo."


def test_embeddings_of_a_chat_model(client: openai.OpenAI) -> None:
    # the client asks for base64 by itself and decodes it
    result = client.embeddings.create(model="llmd-tiny", input=["Paris", "Paris", "banana"])
    first, second, third = (np.array(item.embedding) for item in result.data)
    assert first @ second == pytest.approx(1, abs=1e-3)
    assert first @ third < 0.999
    floats = client.embeddings.create(model="llmd-tiny", input="Paris", encoding_format="float")
    assert np.array(floats.data[0].embedding) @ first == pytest.approx(1, abs=1e-3)


def test_models_are_listed_and_described(client: openai.OpenAI) -> None:
    assert "llmd-tiny" in [model.id for model in client.models.list()]
    assert client.models.retrieve("llmd-tiny").owned_by == "llmd"


def test_an_unknown_model_is_404_with_a_suggestion(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model="llmd-tyni")
    assert caught.value.code == "model_not_found"
    assert "llmd-tiny" in caught.value.message


def test_wrong_types_are_400_and_name_the_parameter(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, temperature="hot")
    assert caught.value.param == "temperature"


def test_a_prompt_three_times_too_long_is_400_with_both_figures(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, messages=[{"role": "user", "content": "word " * 6000}])
    assert caught.value.code == "context_length_exceeded"
    details = caught.value.body["details"]  # type: ignore[index]
    assert details["available"] == 2048
    assert details["needed"] > 6000


def test_truncation_is_opt_in_and_reported(client: openai.OpenAI) -> None:
    messages = [
        {"role": "user", "content": "filler " * 2000},
        {"role": "assistant", "content": "ok"},
        *QUESTION,
    ]
    raw = client.chat.completions.with_raw_response.create(
        model="llmd-tiny",
        messages=messages,  # type: ignore[arg-type]
        temperature=0,
        extra_body={"context_overflow": "truncate"},
    )
    dropped = int(raw.headers["X-LLMD-Dropped-Tokens"])
    body = json.loads(raw.content)
    assert body["choices"][0]["message"]["content"] == ANSWER
    assert body["usage"]["dropped_tokens"] == dropped > 2000


def test_errors_come_before_a_stream_begins(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model="llmd-tiny", messages=[{"role": "user", "content": "word " * 6000}], stream=True
        )


def test_unknown_paths_and_methods_get_openais_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing", cast_to=object)
    with pytest.raises(openai.APIStatusError) as caught:
        client.get("/chat/completions", cast_to=object)
    assert caught.value.status_code == 405
    assert caught.value.code == "method_not_allowed"


def test_a_prediction_changes_no_answer_and_is_accounted_for(client: openai.OpenAI) -> None:
    answer = ask(client, prediction={"type": "content", "content": ANSWER})
    assert answer.choices[0].message.content == ANSWER
    assert answer.usage
    details = answer.usage.completion_tokens_details
    assert details
    assert details.accepted_prediction_tokens is not None
    assert 0 <= details.accepted_prediction_tokens < answer.usage.completion_tokens


@pytest.mark.parametrize("speculation", ["off", "ngram", {"mode": "auto", "longest": 4}])
def test_ways_to_speculate_change_no_answer(client: openai.OpenAI, speculation: object) -> None:
    answer = ask(client, extra_body={"speculation": speculation})
    assert answer.choices[0].message.content == ANSWER


def test_a_way_to_speculate_that_the_model_lacks_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot speculate by mtp") as caught:
        ask(client, extra_body={"speculation": "mtp"})
    assert caught.value.param == "speculation"
