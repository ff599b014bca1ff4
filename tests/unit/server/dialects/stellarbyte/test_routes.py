from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientWebSocketResponse, WSServerHandshakeError

from llmd.errors import Unauthorized
from llmd.protocol.callers import Caller, Credentials
from tests.unit.server.conftest import Client, Connect
from tests.unit.services.conftest import Bench

HOSTILE = [
    "..",
    "../../etc/passwd",
    "' OR '1'='1",
    "x" * 2000,
    "a\0b",
    "会话",
    "%",
    "1; DROP TABLE",
]
CHAT = {"type": "chat.message", "content": "a b"}


async def make(client: Client, **fields: object) -> str:
    response = await client.post("/api/sessions", json=fields)
    assert response.status == 200, await response.text()
    return str((await response.json())["id"])


async def talk(socket: ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Events up to the end of an answer."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["event"] not in {"message_stop", "error"}:
        events.append(await socket.receive_json())
    return events


async def history(client: Client, session: str) -> list[tuple[str, str]]:
    found = await (await client.get(f"/api/sessions/{session}/history")).json()
    return [(one["role"], one["content"]) for one in found]


async def test_health_follows_the_daemon(bench: Bench, connect: Connect) -> None:
    client = await connect(tcp=True)
    response = await client.get("/api/health")
    assert (response.status, await response.json()) == (200, {"status": "healthy"})
    bench.gate.close()
    response = await client.get("/api/health")
    assert (response.status, await response.json()) == (503, {"status": "draining"})


async def test_models_are_a_list_of_openai(connect: Connect) -> None:
    body = await (await (await connect(tcp=True)).get("/api/models")).json()
    assert (body["object"], body["data"][0]["id"]) == ("list", "llmd-tiny")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chat_without_a_session_keeps_nothing(connect: Connect, stream: bool) -> None:
    client = await connect(tcp=True)
    body = {"messages": [{"role": "user", "content": "a b"}], "stream": stream}
    response = await client.post("/api/chat/completions", json=body)
    assert response.status == 200
    await response.read()
    assert await (await client.get("/api/sessions")).json() == []


async def test_a_chat_in_a_session_goes_on_with_it(bench: Bench, connect: Connect) -> None:
    client = await connect(tcp=True)
    session = await make(client)
    for said in ("a b", "c"):
        body = {"messages": [{"role": "user", "content": said}]}
        response = await client.post(f"/api/chat/completions?session_id={session}", json=body)
        assert response.status == 200
    assert await history(client, session) == [
        ("user", "a b"),
        ("assistant", "ab"),
        ("user", "c"),
        ("assistant", "c"),
    ]
    title = (await (await client.get(f"/api/sessions/{session}")).json())["title"]
    assert title == "a b"


async def test_an_empty_session_is_none(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = {"messages": [{"role": "user", "content": "a"}]}
    assert (await client.post("/api/chat/completions?session_id=", json=body)).status == 200
    async with client.ws_connect("/api/ws/chat?session_id=") as socket:
        assert (await socket.receive_json())["data"]["session_id"]


@pytest.mark.parametrize("wrong", HOSTILE)
async def test_sessions_that_are_not_there_are_404_everywhere(connect: Connect, wrong: str) -> None:
    client = await connect(tcp=True)
    body = {"messages": [{"role": "user", "content": "a"}]}
    asked = await client.post("/api/chat/completions", params={"session_id": wrong}, json=body)
    assert asked.status == 404
    assert "session" in (await asked.json())["detail"]
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(f"/api/ws/chat?session_id={quote(wrong)}")
    assert refused.value.status == 404
    path = f"/api/sessions/{quote(wrong, safe='')}"
    message = {"role": "user", "content": "x"}
    for response in (
        await client.get(path),
        await client.put(path, json={"title": "x"}),
        await client.delete(path),
        await client.get(f"{path}/messages"),
        await client.get(f"{path}/history"),
        await client.post(f"{path}/messages", json=message),
    ):
        assert response.status == 404, response.url
        assert (await response.json())["detail"]


@pytest.mark.parametrize(
    "query", ["skip=-1", "skip=x", "limit=0", "limit=1001", "active_only=perhaps", "skip=1e99"]
)
async def test_pages_that_cannot_be_are_refused(connect: Connect, query: str) -> None:
    response = await (await connect(tcp=True)).get(f"/api/sessions?{query}")
    assert response.status == 400
    body = await response.json()
    assert body["error"]["param"] == query.split("=", maxsplit=1)[0]
    assert body["detail"]


async def test_sessions_are_listed_in_pages(connect: Connect) -> None:
    client = await connect(tcp=True)
    made = [await make(client, title=f"第{number}") for number in range(5)]
    await client.put(f"/api/sessions/{made[0]}", json={"is_active": False})

    async def listed(query: str) -> list[str]:
        found = await (await client.get(f"/api/sessions{query}")).json()
        return [str(one["title"]) for one in found]

    assert await listed("") == ["第4", "第3", "第2", "第1"]
    assert await listed("?skip=1&limit=2") == ["第3", "第2"]
    assert len(await listed("?active_only=false")) == 5
    assert await listed("?skip=9999999999") == []


async def test_messages_can_be_written_without_an_answer(connect: Connect) -> None:
    client = await connect(tcp=True)
    session = await make(client, title="x")
    sent = {"role": "user", "content": "'; DROP TABLE messages;--", "tokens": 2}
    response = await client.post(f"/api/sessions/{session}/messages", json=sent)
    made = await response.json()
    assert (made["session_id"], made["metadata_info"], made["tokens"]) == (session, {}, 2)
    listed = await (await client.get(f"/api/sessions/{session}/messages?skip=0&limit=1")).json()
    assert listed == [made]
    for wrong in ({"role": "king", "content": "x"}, {"role": "user"}, {**sent, "tokens": -1}):
        response = await client.post(f"/api/sessions/{session}/messages", json=wrong)
        assert response.status == 400


async def test_a_session_can_be_renamed_and_deleted(connect: Connect) -> None:
    client = await connect(tcp=True)
    session = await make(client, title="新会话")
    changed = await client.put(f"/api/sessions/{session}", json={"title": "更新后的会话"})
    assert (await changed.json())["title"] == "更新后的会话"
    response = await client.delete(f"/api/sessions/{session}")
    assert await response.json() == {"message": "会话删除成功"}
    assert (await client.get(f"/api/sessions/{session}")).status == 404


async def test_a_socket_answers_in_seven_events(connect: Connect) -> None:
    client = await connect(tcp=True)
    async with client.ws_connect("/api/ws/chat") as socket:
        started = await socket.receive_json()
        session = started["data"]["session_id"]
        assert started["event"] == "session_start"
        await socket.send_json(CHAT)
        assert await talk(socket) == [
            {"event": "content_block_start", "data": {"type": "text", "index": 0}},
            delta("a"),
            delta("b"),
            {"event": "content_block_stop", "data": {"index": 0}},
            {
                "event": "message_delta",
                "data": {"delta": {"finish_reason": "stop"}, "usage": {"output_tokens": 2}},
            },
            {"event": "message_stop", "data": {}},
        ]
        # it is kept before the end is told
        assert await history(client, session) == [("user", "a b"), ("assistant", "ab")]
    async with client.ws_connect(f"/api/ws/chat?session_id={session}") as socket:
        assert (await socket.receive_json())["data"]["session_id"] == session


def delta(text: str) -> dict[str, object]:
    data = {"index": 0, "delta": {"type": "text_delta", "text": text}}
    return {"event": "content_block_delta", "data": data}


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("{", "invalid_request_error"),
        ("[]", "invalid_request_error"),
        ('{"type":"chat.shout","content":"x"}', "invalid_request_error"),
        ('{"type":"chat.message","content":""}', "invalid_request_error"),
        ('{"type":"chat.message","content":7}', "invalid_request_error"),
        ('{"type":"chat.message","content":"x","model":"nobody"}', "not_found_error"),
        ('{"type":"chat.message","content":"die"}', "server_error"),
        ("[" * 50_000, "invalid_request_error"),
    ],
)
async def test_errors_are_events_and_the_socket_goes_on(
    bench: Bench, connect: Connect, message: str, kind: str
) -> None:
    bench.starts.poison = "die"
    client = await connect(tcp=True)
    async with client.ws_connect("/api/ws/chat") as socket:
        await socket.receive_json()
        await socket.send_str(message)
        failed = (await talk(socket))[-1]
        assert (failed["event"], failed["data"]["type"]) == ("error", kind)
        assert failed["data"]["message"]
        await socket.send_json(CHAT)
        assert (await talk(socket))[-1]["event"] == "message_stop"


async def test_what_a_client_read_before_it_left_is_kept(bench: Bench, connect: Connect) -> None:
    client = await connect(tcp=True)
    session = await make(client)
    bench.starts.held = True
    async with client.ws_connect(f"/api/ws/chat?session_id={session}") as socket:
        await socket.receive_json()
        await socket.send_json(CHAT)
        assert (await socket.receive_json())["event"] == "content_block_start"
        worker = bench.starts.workers[0]
        worker.go.set()
        assert await socket.receive_json() == delta("a")
        worker.hold()
    said: list[tuple[str, str]] = []
    while not said:
        await asyncio.sleep(0.01)
        said = await history(client, session)
    assert not worker.running
    assert said[0] == ("user", "a b")
    assert said[1][1] in {"a", "ab"}


async def test_strangers_are_refused_before_the_upgrade(
    bench: Bench, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def identify(_credentials: Credentials) -> Caller:
        raise Unauthorized("Who?")

    monkeypatch.setattr(bench.services.access, "identify", identify)
    client = await connect(tcp=True)
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/api/ws/chat")
    assert refused.value.status == 401
    response = await client.get("/api/sessions")
    assert response.status == 401
    assert (await response.json())["detail"] == "Who?"


async def test_paths_that_are_not_there_answer_in_the_same_shape(connect: Connect) -> None:
    response = await (await connect(tcp=True)).get("/api/nothing")
    assert response.status == 404
    assert set(json.loads(await response.text())) == {"detail", "error"}
