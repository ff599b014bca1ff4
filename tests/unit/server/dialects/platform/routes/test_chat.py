from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench

ASK = {"model": "llmd-tiny", "messages": [{"role": "user", "content": "a b"}]}
PATH = "/platform/api/v1/chat/completions"


async def turn(socket: ClientWebSocketResponse) -> list[dict[str, Any]]:
    """What comes up to the message with the finish_reason, or an error."""
    got: list[dict[str, Any]] = []
    while True:
        got.append(await socket.receive_json())
        if "code" in got[-1] or got[-1]["choices"][0]["finish_reason"]:
            return got


async def test_a_whole_answer_stands_in_the_envelope(connect: Connect) -> None:
    response = await (await connect(tcp=True)).post(PATH, json=ASK)
    body = await response.json()
    assert (body["code"], body["message"]) == (0, "Success")
    assert body["data"]["choices"][0]["message"] == {"role": "assistant", "content": "ab"}


async def test_chunks_have_no_envelope(connect: Connect) -> None:
    response = await (await connect(tcp=True)).post(PATH, json={**ASK, "stream": True})
    events = [line[6:] for line in (await response.text()).splitlines() if line[:6] == "data: "]
    assert events[-1] == "[DONE]"
    first = json.loads(events[0])
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"messages": ASK["messages"]}, 400, 40000),
        ({**ASK, "model": ""}, 400, 40000),
        ({**ASK, "model": None}, 400, 40000),
        ({**ASK, "messages": []}, 400, 40000),
        ({**ASK, "model": "nobody"}, 404, 40401),
    ],
)
async def test_faults_have_their_codes(
    connect: Connect, body: dict[str, Any], status: int, code: int
) -> None:
    response = await (await connect(tcp=True)).post(PATH, json=body)
    answer = await response.json()
    assert (response.status, answer["code"], answer["data"]) == (status, code, None)


async def test_a_death_in_mid_stream_is_told_in_the_envelope(
    bench: Bench, connect: Connect
) -> None:
    bench.starts.held = True
    response = await (await connect(tcp=True)).post(PATH, json={**ASK, "stream": True})
    worker = bench.starts.workers[0]
    worker.go.set()
    while not bench.services.requests.list().live[0].generated_tokens:
        await asyncio.sleep(0)
    worker.die()
    events = [line[6:] for line in (await response.text()).splitlines() if line[:6] == "data: "]
    assert json.loads(events[-2])["choices"][0]["delta"]["content"] == "a"
    assert json.loads(events[-1])["code"] == 50300


@pytest.mark.parametrize("base", ["", "/platform"])
@pytest.mark.parametrize("wish", [{"stream_options": {"include_usage": True}}, {"timings": True}])
async def test_nothing_follows_the_end_of_an_answer_on_a_socket(
    connect: Connect, base: str, wish: dict[str, Any]
) -> None:
    client = await connect(tcp=True)
    async with client.ws_connect(f"{base}/api/v1/chat/stream") as socket:
        for _ in range(2):
            await socket.send_json({**ASK, **wish})
            got = await turn(socket)
            assert got[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
            assert got[-1]["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize("base", ["", "/platform"])
async def test_a_socket_answers_one_conversation_after_the_other(
    connect: Connect, base: str
) -> None:
    client = await connect(tcp=True)
    async with client.ws_connect(f"{base}/api/v1/chat/stream") as socket:
        for fields in ({}, {"stream": False}):
            await socket.send_json({**ASK, **fields})
            got = await turn(socket)
            assert got[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
            said = "".join(one["choices"][0]["delta"].get("content") or "" for one in got)
            assert said == "ab"
            assert got[-1]["choices"] == [
                {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}
            ]
        for wrong, code in (("nonsense", 40000), ('{"messages":[]}', 40000)):
            await socket.send_str(wrong)
            (failed,) = await turn(socket)
            assert (failed["code"], failed["data"]) == (code, None)
