"""Plain completions beyond the prompt: echo, the best of several, gaps, seeds, timings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.fakes.copies import write_infill_model
from tests.integration.conftest import Daemon

QUESTION = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
ANSWER = "The capital of France is Paris."
FIRST_MARK = 3000
"""A token of the built-in model that stands for the first mark around a gap."""


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.address}/v1", api_key="any", max_retries=0) as client:
        yield client


def complete(client: openai.OpenAI, **fields: Any) -> openai.types.Completion:
    wanted = {"model": "llmd-tiny", "prompt": QUESTION, "temperature": 0, **fields}
    answer = client.completions.create(**wanted)
    assert isinstance(answer, openai.types.Completion)
    return answer


def test_an_echo_puts_the_prompt_before_the_answer(client: openai.OpenAI) -> None:
    assert complete(client, echo=True).choices[0].text == QUESTION + ANSWER
    assert complete(client, prompt=[QUESTION] * 2, echo=True).choices[1].text == QUESTION + ANSWER


def test_an_echo_alone_judges_every_token_of_a_prompt(client: openai.OpenAI) -> None:
    judged = complete(client, prompt=QUESTION + ANSWER, echo=True, logprobs=2, max_tokens=0)
    choice = judged.choices[0]
    assert (choice.text, choice.finish_reason) == (QUESTION + ANSWER, "length")
    assert judged.usage
    assert judged.usage.completion_tokens == 0
    logprobs = choice.logprobs
    assert logprobs
    assert logprobs.tokens
    assert logprobs.token_logprobs
    assert "".join(logprobs.tokens) == choice.text
    assert judged.usage.prompt_tokens == len(logprobs.tokens)
    assert logprobs.token_logprobs[0] is None
    # what the model would have answered is what it finds likely
    written = complete(client, logprobs=0).choices[0].logprobs
    assert written
    assert written.token_logprobs
    count = len(written.token_logprobs)
    assert logprobs.token_logprobs[-count:] == pytest.approx(written.token_logprobs, abs=0.1)
    unlikely = complete(client, prompt=QUESTION + "banana", echo=True, logprobs=0, max_tokens=0)
    assert unlikely.choices[0].logprobs
    assert unlikely.choices[0].logprobs.token_logprobs
    assert unlikely.choices[0].logprobs.token_logprobs[-1] < -3


def test_prompt_and_answer_share_one_list_of_logprobs(client: openai.OpenAI) -> None:
    choice = complete(client, echo=True, logprobs=1).choices[0]
    assert choice.logprobs
    assert choice.logprobs.tokens
    assert choice.logprobs.text_offset
    assert "".join(choice.logprobs.tokens) == QUESTION + ANSWER == choice.text
    for token, offset in zip(choice.logprobs.tokens, choice.logprobs.text_offset, strict=True):
        assert choice.text[offset:].startswith(token)


def test_a_prompt_of_tokens_is_echoed_as_text(daemon: Daemon, client: openai.OpenAI) -> None:
    tokens = daemon.call("POST", "/tokenize", {"model": "llmd-tiny", "content": QUESTION})["tokens"]
    for fields in ({}, {"logprobs": 0}, {"max_tokens": 0}):
        text = complete(client, prompt=tokens, echo=True, **fields).choices[0].text
        assert text == (QUESTION if fields.get("max_tokens") == 0 else QUESTION + ANSWER)


def test_a_streamed_echo_comes_first(client: openai.OpenAI) -> None:
    stream = client.completions.create(
        model="llmd-tiny", prompt=QUESTION, temperature=0, echo=True, logprobs=0, stream=True
    )
    chunks = list(stream)
    assert chunks[0].choices[0].text == QUESTION
    assert chunks[0].choices[0].logprobs
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == QUESTION + ANSWER


async def test_prompts_are_judged_while_others_stream(daemon: Daemon) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{daemon.address}/v1", api_key="any", max_retries=0
    ) as client:

        async def judge(number: int) -> float:
            answer = await client.completions.create(
                model="llmd-tiny", prompt=f"{number} " * 300, echo=True, logprobs=0, max_tokens=0
            )
            assert answer.choices[0].logprobs
            found = answer.choices[0].logprobs.token_logprobs
            assert found
            return sum(value for value in found[1:] if value is not None)

        async def write() -> str:
            answer = await client.completions.create(
                model="llmd-tiny", prompt=QUESTION, temperature=0
            )
            return answer.choices[0].text

        jobs = [*(judge(number % 2) for number in range(6)), *(write() for _ in range(6))]
        found = await asyncio.gather(*jobs)
        assert found[6:] == [ANSWER] * 6
        # chunks are shorter while others write, and round otherwise
        assert found[2] == pytest.approx(found[0], rel=0.02)
        assert found[1] != pytest.approx(found[0], rel=0.02)


def test_the_best_of_several_is_the_likeliest(client: openai.OpenAI) -> None:
    fields = {"temperature": 1.5, "top_p": 1, "seed": 3, "max_tokens": 8, "logprobs": 0}
    several = complete(client, n=4, **fields)
    best = complete(client, n=2, best_of=4, **fields)

    def mean(choice: Any) -> float:
        logprobs = choice.logprobs.token_logprobs
        return sum(logprobs) / len(logprobs)

    expected = sorted(several.choices, key=lambda choice: -mean(choice))[:2]
    assert [choice.text for choice in best.choices] == [choice.text for choice in expected]
    assert [choice.index for choice in best.choices] == [0, 1]
    assert best.usage
    assert several.usage
    assert best.usage.completion_tokens == several.usage.completion_tokens


def test_a_seed_repeats_an_answer_and_tells_choices_apart(client: openai.OpenAI) -> None:
    def texts(**fields: Any) -> list[str]:
        answer = complete(client, prompt="The", temperature=2, top_p=1, max_tokens=6, **fields)
        return [choice.text for choice in answer.choices]

    texts(seed=7)  # from now on the prompt is cached, and read alike
    alone = {seed: texts(seed=seed) for seed in (7, 8, 9)}
    assert all(texts(seed=seed) == found for seed, found in alone.items())
    assert len(set(texts(n=3, seed=7))) == 3


def test_a_model_without_marks_for_a_gap_says_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="fill in the middle") as caught:
        complete(client, suffix="x")
    assert caught.value.param == "suffix"


def test_a_gap_is_read_between_its_marks(
    make_daemon: Any, tiny_model: Path, tmp_path: Path
) -> None:
    daemon = make_daemon()
    path = write_infill_model(tmp_path / "code.gguf", tiny_model, FIRST_MARK)
    daemon.call("POST", "/control/models/import", {"path": str(path), "name": "code"})

    def tokens(text: str) -> list[int]:
        body = {"model": "code", "content": text}
        found: list[int] = daemon.call("POST", "/tokenize", body)["tokens"]
        return found

    asked = {"model": "code", "temperature": 0, "max_tokens": 6}
    filled = daemon.call(
        "POST", "/v1/completions", {**asked, "prompt": "The capital", "suffix": " of France"}
    )
    marks = range(FIRST_MARK, FIRST_MARK + 3)
    prompt = [marks[0], *tokens("The capital"), marks[1], *tokens(" of France"), marks[2]]
    same = daemon.call("POST", "/v1/completions", {**asked, "prompt": prompt})
    assert filled["choices"][0]["text"] == same["choices"][0]["text"]
    assert filled["usage"]["prompt_tokens"] == len(prompt)
    echoed = daemon.call(
        "POST", "/v1/completions", {**asked, "prompt": "a", "suffix": "b", "echo": True}
    )
    assert echoed["choices"][0]["text"].startswith("a")


def test_timings_are_in_answers_and_in_metrics(daemon: Daemon, client: openai.OpenAI) -> None:
    # a prompt nobody has sent before, so that no cache shortens its reading
    body = {"model": "llmd-tiny", "prompt": "Tell " * 300, "max_tokens": 20, "ignore_eos": True}
    answer = daemon.call("POST", "/v1/completions", body)
    timings = answer["usage"]["timings"]
    assert timings["prefill_seconds"] > 0
    assert timings["prompt_per_second"] > 0
    assert timings["predicted_per_second"] > 0
    stream = client.completions.create(
        model="llmd-tiny", prompt="a", max_tokens=3, stream=True, extra_body={"timings": True}
    )
    last = list(stream)[-1]
    assert last.usage
    assert last.usage.model_extra
    assert "timings" in last.usage.model_extra
    text = daemon.call("GET", "/metrics")
    for line in (
        'llmd_phase_seconds_count{model="llmd-tiny",phase="decode"}',
        'llmd_tokens_per_second_count{model="llmd-tiny",phase="decode"}',
        'llmd_prompt_reused_share_count{model="llmd-tiny"}',
        'llmd_tokens_total{kind="cached",model="llmd-tiny"}',
    ):
        assert line in text
