from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmd.client.load import Answer, Outcome, Target, Work, models, prompts, run, take
from llmd.errors import LlmdError


class FakeServer:
    """Streams what a test wants; keeps the bodies and how many were open at once."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.most = 0
        self.open = 0
        self.status = 200
        self.pieces: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        self.usage: dict[str, Any] | None = None
        self.finish = ""
        self.error: dict[str, Any] | None = None

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization", ""))
        self.bodies.append(await request.json())
        if self.status != 200:
            return web.Response(status=self.status, text="busy")
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0.01)
        response = web.StreamResponse()
        await response.prepare(request)
        for delta in self.pieces:
            await response.write(self.event({"choices": [{"delta": delta}]}))
        if self.finish:
            choice = {"delta": {}, "finish_reason": self.finish}
            await response.write(self.event({"choices": [choice]}))
        if self.usage:
            await response.write(self.event({"choices": [], "usage": self.usage}))
        if self.error:
            await response.write(self.event({"error": self.error}))
        await response.write(b": ping\n\ndata: [DONE]\n\n")
        self.open -= 1
        return response

    @staticmethod
    def event(body: object) -> bytes:
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    async def list(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "a"}, {"id": "b"}]})


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def target(fake: FakeServer) -> AsyncIterator[Target]:
    application = web.Application()
    application.router.add_post("/v1/chat/completions", fake.chat)
    application.router.add_get("/v1/models", fake.list)
    async with TestServer(application) as server:
        yield Target(str(server.make_url("/v1")), "m", "secret")


WORK = Work(requests=6, concurrency=2, prompt=5, answer=3)


async def test_a_round_asks_as_often_and_as_many_at_once_as_told(
    fake: FakeServer, target: Target
) -> None:
    fake.pieces += [{"content": "a"}, {"reasoning_content": "b"}, {"content": "c"}]
    fake.usage = {
        "prompt_tokens": 20,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 5},
    }
    outcome = await run(target, WORK, seed=1)
    assert outcome.errors == []
    assert fake.most == 2
    assert len({body["messages"][0]["content"] for body in fake.bodies}) == 6
    assert set(fake.keys) == {"Bearer secret"}
    assert outcome.short == 0
    assert outcome.cached_share == 0.25
    assert outcome.rate == pytest.approx(18 / outcome.seconds)
    assert outcome.first_token > 0


async def test_a_server_without_usage_is_counted_by_its_pieces(
    fake: FakeServer, target: Target
) -> None:
    fake.pieces += [{"content": "a"}, {"content": "b"}]
    outcome = await run(target, WORK, seed=1)
    assert {answer.tokens for answer in outcome.answers} == {2}
    assert outcome.short == 6


async def test_tokens_without_text_are_seen_at_the_end(fake: FakeServer, target: Target) -> None:
    fake.finish = "length"
    fake.usage = {"prompt_tokens": 20, "completion_tokens": 3}
    outcome = await run(target, WORK, seed=1)
    assert outcome.errors == []
    assert outcome.first_token > 0


@pytest.mark.parametrize("kind", ["status", "event", "empty"])
async def test_failures_are_told_and_not_raised(
    fake: FakeServer, target: Target, kind: str
) -> None:
    if kind == "status":
        fake.status = 503
    elif kind == "event":
        fake.pieces.append({"content": "a"})
        fake.error = {"message": "broken"}
    outcome = await run(target, WORK, seed=1)
    assert len(outcome.errors) == 6
    says = {"status": "503 busy", "event": "broken", "empty": "without a token"}
    assert says[kind] in outcome.errors[0]


async def test_a_server_that_is_not_there_fails_every_request() -> None:
    outcome = await run(Target("http://127.0.0.1:9/v1", "m"), WORK, seed=1)
    assert len(outcome.errors) == 6
    assert outcome.rate == 0


async def test_models_are_listed_or_the_server_is_refused(target: Target) -> None:
    assert await models(target) == ["a", "b"]
    with pytest.raises(LlmdError, match="does not answer"):
        await models(Target(target.url + "/nothing", "m"))
    with pytest.raises(LlmdError, match="does not answer"):
        await models(Target("http://127.0.0.1:9/v1", "m"))


def test_prompts_of_a_round_differ_and_another_round_has_others() -> None:
    first = prompts(WORK, 1)
    assert first == prompts(WORK, 1)
    assert len(set(first)) == 6
    assert all(len(prompt.split()) == 6 for prompt in first)
    assert not {prompt.split()[0] for prompt in first} & {
        prompt.split()[0] for prompt in prompts(WORK, 2)
    }


def test_shared_words_stand_first_and_are_new_each_round() -> None:
    work = Work(requests=3, concurrency=1, prompt=2, answer=1, shared=10)
    heads = {" ".join(prompt.split()[:11]) for prompt in prompts(work, 1)}
    assert len(heads) == 1
    assert heads != {" ".join(prompt.split()[:11]) for prompt in prompts(work, 2)}
    assert len(set(prompts(work, 1))) == 3


def test_what_is_no_event_is_passed_over() -> None:
    answer = Answer()
    for line in (b"\n", b": ping\n", b"data: [DONE]\n", b"event: x\n"):
        take(answer, line, lambda: 1.0)
    assert answer == Answer()


def test_speeds_of_answers_without_time_are_left_out() -> None:
    outcome = Outcome(WORK, 1.0, [Answer(first=0.5, last=0.5, tokens=1, prompt_tokens=10)])
    assert outcome.prompt_rate == 20
    assert outcome.stream_rate != outcome.stream_rate
