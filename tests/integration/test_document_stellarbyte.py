"""The StellarByte document: every request it shows, on a real daemon, and each field of each answer."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.integration.conftest import ENDLESS, Daemon, MakeDaemon

MODEL = "stellar-byte-llm"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
CHAT = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "你好"}],
    "temperature": 0.7,
    "top_p": 1.0,
    "max_tokens": 100,
    "stream": False,
    "stop": None,
    "user": None,
}
SAID = {"type": "chat.message", "content": "你好"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a model of the document's name."""
    daemon = Daemon(tmp_path_factory.mktemp("stellarbyte")).start()
    daemon.call("POST", "/control/models/copy", {"source": "llmd-tiny", "target": MODEL})
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
async def http(own: Daemon) -> AsyncIterator[aiohttp.ClientSession]:
    # the port is not the document's, so its base URL is
    async with aiohttp.ClientSession(f"{own.address}/api/") as session:
        yield session


@pytest.fixture
async def session_id(http: aiohttp.ClientSession) -> str:
    async with http.post("sessions", json={"title": "新会话"}) as response:
        return str((await response.json())["id"])


async def ask(http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> Any:
    async with http.request(method, path, json=body) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "application/json"
        return await response.json()


def check_session(found: dict[str, Any], title: str, *, is_active: bool = True) -> None:
    assert set(found) == {"id", "title", "created_at", "updated_at", "is_active"}
    assert UUID.fullmatch(found["id"])
    assert (found["title"], found["is_active"]) == (title, is_active)
    assert TIME.fullmatch(found["created_at"])
    assert TIME.fullmatch(found["updated_at"])


async def test_health_and_models(http: aiohttp.ClientSession) -> None:
    assert await ask(http, "GET", "health") == {"status": "healthy"}
    found = await ask(http, "GET", "models")
    assert found["object"] == "list"
    model = next(one for one in found["data"] if one["id"] == MODEL)
    assert model["object"] == "model"
    assert isinstance(model["created"], int)
    assert model["owned_by"]


@pytest.mark.parametrize("in_session", [False, True])
async def test_a_chat_completion(
    http: aiohttp.ClientSession, session_id: str, in_session: bool
) -> None:
    path = "chat/completions" + (f"?session_id={session_id}" if in_session else "")
    found = await ask(http, "POST", path, CHAT)
    assert found["id"].startswith("chatcmpl-")
    assert (found["object"], found["model"]) == ("chat.completion", MODEL)
    assert isinstance(found["created"], int)
    (choice,) = found["choices"]
    assert choice["index"] == 0
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    history = await ask(http, "GET", f"sessions/{session_id}/history")
    said = [CHAT["messages"][0], {"role": "assistant", "content": choice["message"]["content"]}]
    assert history == (said if in_session else [])


async def test_a_streamed_chat_completion(http: aiohttp.ClientSession, session_id: str) -> None:
    path = f"chat/completions?session_id={session_id}"
    async with http.post(path, json={**CHAT, "stream": True}) as response:
        assert response.content_type == "text/event-stream"
        text = await response.text()
    events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    for chunk in chunks:
        assert chunk["id"].startswith("chatcmpl-")
        assert (chunk["object"], chunk["model"]) == ("chat.completion.chunk", MODEL)
        assert isinstance(chunk["created"], int)
        assert chunk["choices"][0]["index"] == 0
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[0]["choices"][0]["finish_reason"] is None
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert "\N{REPLACEMENT CHARACTER}" not in said
    history = await ask(http, "GET", f"sessions/{session_id}/history")
    assert history[-1] == {"role": "assistant", "content": said}


async def test_the_socket_sends_its_events_in_order(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("ws/chat") as socket:
        started = await socket.receive_json()
        assert started["event"] == "session_start"
        assert set(started) == {"event", "data"}
        session = started["data"]["session_id"]
        assert UUID.fullmatch(session)
        said = []
        for _ in range(2):  # several turns on one socket
            await socket.send_json(SAID)
            said.append(await _answer(socket))
        await socket.send_json({"type": "chat.message"})
        failed = await socket.receive_json()
        assert failed["event"] == "error"
        assert set(failed["data"]) == {"type", "message"}
        await socket.send_json(SAID)  # and it stays open
        said.append(await _answer(socket))
    turn = [{"role": "user", "content": "你好"}]
    expected = [one for text in said for one in [*turn, {"role": "assistant", "content": text}]]
    assert await ask(http, "GET", f"sessions/{session}/history") == expected


async def _answer(socket: aiohttp.ClientWebSocketResponse) -> str:
    """Check the events of one answer and return its text."""
    events = [await socket.receive_json()]
    while events[-1]["event"] != "message_stop":
        events.append(await socket.receive_json())
    started, *deltas, stopped, message, ended = events
    assert started == {"event": "content_block_start", "data": {"type": "text", "index": 0}}
    for delta in deltas:
        text = delta["data"]["delta"]["text"]
        data = {"index": 0, "delta": {"type": "text_delta", "text": text}}
        assert delta == {"event": "content_block_delta", "data": data}
    assert deltas
    assert stopped == {"event": "content_block_stop", "data": {"index": 0}}
    assert message["event"] == "message_delta"
    assert message["data"]["delta"] == {"finish_reason": "stop"}
    assert message["data"]["usage"]["output_tokens"] >= len(deltas)
    assert ended == {"event": "message_stop", "data": {}}
    return "".join(delta["data"]["delta"]["text"] for delta in deltas)


async def test_the_life_of_a_session(http: aiohttp.ClientSession) -> None:
    made = await ask(http, "POST", "sessions", {"title": "新会话"})
    check_session(made, "新会话")
    listed = await ask(http, "GET", "sessions")
    assert made in listed
    assert await ask(http, "GET", "sessions?skip=0&limit=1&active_only=true") == listed[:1]
    one = f"sessions/{made['id']}"
    assert await ask(http, "GET", one) == made
    changed = await ask(http, "PUT", one, {"title": "更新后的会话"})
    check_session(changed, "更新后的会话")
    assert changed["updated_at"] >= made["updated_at"]

    sent = {"role": "user", "content": "你好", "tokens": 2, "metadata_info": {}}
    message = await ask(http, "POST", f"{one}/messages", sent)
    assert UUID.fullmatch(message.pop("id"))
    assert TIME.fullmatch(message.pop("created_at"))
    assert message == {**sent, "session_id": made["id"]}
    (listed_message,) = await ask(http, "GET", f"{one}/messages?skip=0&limit=100")
    assert listed_message["content"] == "你好"
    assert await ask(http, "GET", f"{one}/messages?skip=1") == []
    assert await ask(http, "GET", f"{one}/history") == [{"role": "user", "content": "你好"}]

    await ask(http, "PUT", one, {"is_active": False})
    assert made["id"] not in {found["id"] for found in await ask(http, "GET", "sessions")}
    everything = await ask(http, "GET", "sessions?active_only=false")
    assert made["id"] in {found["id"] for found in everything}
    assert await ask(http, "DELETE", one) == {"message": "会话删除成功"}
    async with http.get(one) as response:
        assert response.status == 404


async def test_times_are_utc(http: aiohttp.ClientSession) -> None:
    made = await ask(http, "POST", "sessions", {})
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    assert made["created_at"][:13] in {now[:13], time.strftime("%Y-%m-%dT%H", time.gmtime())}


@pytest.mark.parametrize(
    "wrong", ["../../../etc/passwd", "'; DROP TABLE sessions;--", "x" * 7000, "a\0b", "%2e%2e"]
)
async def test_hostile_ids_are_sessions_that_are_not_there(
    own: Daemon, http: aiohttp.ClientSession, wrong: str
) -> None:
    async with http.get(f"sessions/{quote(quote(wrong, safe=''), safe='')}") as response:
        assert response.status == 404
        assert "session" in (await response.json())["detail"]
    async with http.post("chat/completions", params={"session_id": wrong}, json=CHAT) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "not_found"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"ws/chat?session_id={quote(wrong)}")
    assert refused.value.status == 404
    assert own.call("GET", "/api/sessions?limit=1")  # all that was there still is


async def test_errors_have_a_detail(http: aiohttp.ClientSession) -> None:
    faults: list[tuple[str, dict[str, Any], int]] = [
        ("chat/completions", {**CHAT, "model": "nobody"}, 404),
        ("chat/completions", {**CHAT, "temperature": "hot"}, 400),
        ("sessions", {"title": 7}, 400),
        ("nothing", {}, 404),
    ]
    for path, body, status in faults:
        async with http.post(path, json=body) as response:
            assert response.status == status
            found = await response.json()
            assert found["detail"] == found["error"]["message"]


async def test_an_answer_whose_client_left_is_kept_as_far_as_it_came(
    own: Daemon, http: aiohttp.ClientSession, session_id: str
) -> None:
    body = {**ENDLESS, "model": MODEL, "stream": True}
    async with http.post(f"chat/completions?session_id={session_id}", json=body) as response:
        while not re.search(rb'"content":"[^"]', await response.content.readline()):
            pass
        response.close()
    deadline = time.monotonic() + 20
    while not (kept := await ask(http, "GET", f"sessions/{session_id}/messages")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    question, answer = kept
    assert question["content"] == "Hello"
    assert answer["content"]
    assert answer["tokens"] > 0
    told = {"finish_reason": "cancelled", "partial": True, "model": MODEL}
    assert answer["metadata_info"] == told
    loaded = own.loaded(MODEL)
    assert loaded
    assert loaded["running"] == 0


async def test_what_was_said_on_a_socket_that_broke_is_kept(
    http: aiohttp.ClientSession, session_id: str
) -> None:
    async with http.ws_connect(f"ws/chat?session_id={session_id}") as socket:
        await socket.receive_json()
        await socket.send_json({**SAID, "content": "Count to twenty."})
        while (await socket.receive_json())["event"] != "content_block_delta":
            pass
        assert socket._response.connection
        assert socket._response.connection.transport
        socket._response.connection.transport.abort()
    deadline = time.monotonic() + 20
    while not (kept := await ask(http, "GET", f"sessions/{session_id}/history")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert [one["role"] for one in kept] == ["user", "assistant"]
    assert kept[1]["content"]


async def test_what_was_being_answered_when_the_daemon_ended_is_kept(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon()
    session = daemon.call("POST", "/api/sessions", {})["id"]
    async with aiohttp.ClientSession(daemon.address) as http:
        path = f"/api/chat/completions?session_id={session}"
        async with http.post(path, json={**ENDLESS, "stream": True}) as response:
            while not re.search(rb'"content":"[^"]', await response.content.readline()):
                pass
            daemon.call("POST", "/control/stop", {"mode": "now"})
            ended = await response.content.read()
    assert json.loads(ended.split(b"data: ")[-1])["detail"]
    assert daemon.stop() == 0
    daemon.start()
    question, answer = daemon.call("GET", f"/api/sessions/{session}/messages")
    assert question["content"] == "Hello"
    assert answer["content"]
    assert answer["metadata_info"] == {"finish_reason": "cancelled", "partial": True}


async def test_users_do_not_see_each_others_sessions(own: Daemon) -> None:
    sessions = []
    for name in ("ann", "bob"):
        login = {"username": name, "password": "correct horse battery"}
        own.call("POST", "/platform/api/v1/admin/users", login)
        body = own.call("POST", "/platform/api/v1/auth/login", login)
        headers = {"Authorization": f"Bearer {body['data']['access_token']}"}
        sessions.append(aiohttp.ClientSession(f"{own.address}/api/", headers=headers))
    ann, bob = sessions
    made = await ask(ann, "POST", "sessions", {"title": "secret"})
    assert await ask(bob, "GET", "sessions") == []
    assert [one["id"] for one in await ask(ann, "GET", "sessions")] == [made["id"]]
    one = f"sessions/{made['id']}"
    calls: list[tuple[str, str, object]] = [
        ("GET", one, None),
        ("PUT", one, {"title": "mine"}),
        ("DELETE", one, None),
        ("GET", f"{one}/messages", None),
        ("GET", f"{one}/history", None),
        ("POST", f"{one}/messages", {"role": "user", "content": "x"}),
        ("POST", f"chat/completions?session_id={made['id']}", CHAT),
    ]
    for method, path, body in calls:
        async with bob.request(method, path, json=body) as response:
            assert response.status == 404, path
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await bob.ws_connect(f"ws/chat?session_id={made['id']}")
    assert (await ask(ann, "GET", one))["title"] == "secret"
    for session in sessions:
        await session.close()


async def test_the_address_of_the_document_is_answered(own: Daemon) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{own.address}/api/health", headers={"Host": "localhost:8080"}) as response,
    ):
        assert await response.json() == {"status": "healthy"}
