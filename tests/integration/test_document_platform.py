"""The platform's document: every request it shows, on a real daemon that only knows its users."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.integration.conftest import ENDLESS, Daemon

MODEL = "gpt-4o"
WORDS = "correct horse battery"
CHAT = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hello!"},
    ],
    "stream": False,
    "temperature": 0.7,
    "max_tokens": 1024,
}
PLATFORM = "/platform/api/v1"
INVALID_KEY = {"code": 40001, "message": "Invalid API Key", "data": None}
FORGED_KEY = "llmd-" + "0" * 46
FORGED_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a model of the document's name and an admin, who is made by the owner."""
    home = tmp_path_factory.mktemp("platform")
    daemon = Daemon(home, LLMD_SECURITY_MODE="users").start()
    daemon.call("POST", "/control/models/copy", {"source": "llmd-tiny", "target": MODEL})
    root = {"username": "root", "password": WORDS, "role": "admin"}
    assert daemon.call("POST", f"{PLATFORM}/admin/users", root)["code"] == 0
    yield daemon
    assert daemon.stop() == 0


class People:
    """Calls in somebody's name."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str = "", status: int = 200
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.request(method, path, json=body, headers=headers) as response:
            answer = await response.json()
        assert response.status == status, answer
        assert set(answer) == {"code", "message", "data"}
        if status == 200:
            assert (answer["code"], answer["message"]) == (0, "Success")
            return answer["data"]
        assert answer["data"] is None
        return answer

    async def login(self, name: str, base: str = PLATFORM) -> dict[str, Any]:
        body = {"username": name, "password": WORDS}
        return dict(await self.ask("POST", f"{base}/auth/login", body))

    async def key(self, **fields: object) -> dict[str, Any]:
        token = (await self.login("root"))["access_token"]
        return dict(await self.ask("POST", f"{PLATFORM}/admin/keys", fields, token=token))


@pytest.fixture
async def people(own: Daemon) -> AsyncIterator[People]:
    async with aiohttp.ClientSession(own.address) as http:
        yield People(http)


async def test_a_chat_completion(people: People) -> None:
    key = (await people.key(name="chat"))["key"]
    found = await people.ask("POST", f"{PLATFORM}/chat/completions", CHAT, token=key)
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


async def test_a_streamed_chat_completion(people: People) -> None:
    token = (await people.login("root"))["access_token"]  # a JWT does as well as a key
    async with people.http.post(
        f"{PLATFORM}/chat/completions",
        json={**CHAT, "stream": True},
        headers={"Authorization": f"Bearer {token}"},
    ) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        text = await response.text()
    events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    check_chunks([json.loads(event) for event in events[:-1]])


def check_chunks(chunks: list[dict[str, Any]]) -> None:
    for chunk in chunks:
        assert chunk["id"].startswith("chatcmpl-")
        assert (chunk["object"], chunk["model"]) == ("chat.completion.chunk", MODEL)
        assert isinstance(chunk["created"], int)
        assert chunk["choices"][0]["index"] == 0
    first, *middle, last = [chunk["choices"][0] for chunk in chunks]
    assert (first["delta"], first["finish_reason"]) == ({"role": "assistant", "content": ""}, None)
    assert all(set(one["delta"]) == {"content"} for one in middle)
    assert {one["finish_reason"] for one in middle} == {None}
    assert last["finish_reason"] == "stop"


@pytest.mark.parametrize("base", ["/api/v1", PLATFORM])
@pytest.mark.parametrize("how", ["header", "query"])
async def test_the_socket_streams_one_conversation_after_the_other(
    people: People, base: str, how: str
) -> None:
    key = (await people.key(name="socket"))["key"]
    headers = {"Authorization": f"Bearer {key}"} if how == "header" else {}
    path = f"{base}/chat/stream" + ("" if how == "header" else f"?token={key}")
    async with people.http.ws_connect(path, headers=headers) as socket:
        conversation = CHAT["messages"]
        for _ in range(2):
            await socket.send_json({**CHAT, "messages": conversation})
            chunks = [await socket.receive_json()]
            while chunks[-1]["choices"][0]["finish_reason"] is None:
                chunks.append(await socket.receive_json())
            check_chunks(chunks)
            said = "".join(one["choices"][0]["delta"].get("content", "") for one in chunks)
            conversation = [
                *conversation,
                {"role": "assistant", "content": said},
                {"role": "user", "content": "And then?"},
            ]
        await socket.send_json({"messages": conversation})
        assert (await socket.receive_json())["code"] == 40000  # the model is required
        await socket.send_json({**CHAT, "model": "nobody"})
        assert (await socket.receive_json())["code"] == 40401


@pytest.mark.parametrize("base", ["/api/v1", PLATFORM])
async def test_users_are_administered(people: People, base: str) -> None:
    token = (await people.login("root", base))["access_token"]
    name = f"王{len(base)}"
    made = await people.ask(
        "POST", f"{base}/admin/users", {"username": name, "password": WORDS}, token=token
    )
    assert (made["username"], made["role"], made["enabled"]) == (name, "user", True)
    listed = await people.ask("GET", f"{base}/admin/users", token=token)
    assert made in listed["items"]
    assert listed["total"] == len(listed["items"])
    one = f"{base}/admin/users/{made['id']}"
    assert await people.ask("GET", one, token=token) == made
    changed = await people.ask("PUT", one, {"role": "admin", "enabled": False}, token=token)
    assert changed == {**made, "role": "admin", "enabled": False}
    login = {"username": name, "password": WORDS}
    refused = await people.ask("POST", f"{base}/auth/login", login, status=401)
    assert refused["code"] == 40100
    await people.ask("GET", f"{base}/admin/users/none", token=token, status=404)


@pytest.mark.parametrize("base", ["/api/v1", PLATFORM])
async def test_keys_are_administered(people: People, base: str) -> None:
    token = (await people.login("root", base))["access_token"]
    users = await people.ask("GET", f"{base}/admin/users", token=token)
    order = {"user_id": users["items"][0]["id"], "name": "laptop"}
    made = await people.ask("POST", f"{base}/admin/keys", order, token=token)
    secret = made.pop("key")
    listed = await people.ask("GET", f"{base}/admin/keys", token=token)
    assert made["id"] in {one["id"] for one in listed["items"]}
    assert secret not in json.dumps(listed)
    chat = f"{PLATFORM}/chat/completions"
    await people.ask("POST", chat, CHAT, token=secret)
    one = f"{base}/admin/keys/{made['id']}"
    await people.ask("PUT", one, {"enabled": False}, token=token)
    assert await people.ask("POST", chat, CHAT, token=secret, status=401) == INVALID_KEY
    await people.ask("PUT", one, {"enabled": True}, token=token)
    await people.ask("POST", chat, CHAT, token=secret)
    assert await people.ask("DELETE", one, token=token) is None
    assert await people.ask("POST", chat, CHAT, token=secret, status=401) == INVALID_KEY


@pytest.mark.parametrize("base", ["/api/v1", PLATFORM])
async def test_models_are_administered(people: People, base: str) -> None:
    token = (await people.login("root", base))["access_token"]
    listed = await people.ask("GET", f"{base}/admin/models", token=token)
    assert {"llmd-tiny", MODEL} <= {one["id"] for one in listed["items"]}
    name = f"team/helper-{len(base)}"
    order = {"id": name, "base": MODEL, "sampling": {"max_tokens": 2, "temperature": 0}}
    made = await people.ask("POST", f"{base}/admin/models", order, token=token)
    assert (made["id"], made["base"]) == (name, MODEL)
    short = {"model": name, "messages": CHAT["messages"]}
    found = await people.ask("POST", f"{PLATFORM}/chat/completions", short, token=token)
    assert found["choices"][0]["finish_reason"] == "length"
    path = f"{base}/admin/models/{name}"
    change = {"sampling": {"max_tokens": 1}}
    changed = await people.ask("PUT", path, change, token=token)
    assert changed["sampling"] == {"max_tokens": 1, "temperature": 0}
    found = await people.ask("POST", f"{PLATFORM}/chat/completions", short, token=token)
    assert found["usage"]["completion_tokens"] == 1


@pytest.mark.parametrize("base", ["/api/v1", PLATFORM])
async def test_tokens_are_given_and_renewed(people: People, base: str) -> None:
    given = await people.login("root", base)
    assert set(given) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert given["token_type"] == "bearer"
    again = {"refresh_token": given["refresh_token"]}
    fresh = await people.ask("POST", f"{base}/auth/refresh", again)
    assert set(fresh) == set(given)
    await people.ask("GET", f"{base}/admin/users", token=fresh["access_token"])


@pytest.mark.parametrize("token", ["", FORGED_KEY, FORGED_TOKEN, "any-key"])
async def test_strangers_are_refused_everywhere(people: People, token: str) -> None:
    wanted = 40001 if token in {FORGED_KEY, "any-key"} else 40100
    calls: list[tuple[str, str, object]] = [
        ("POST", f"{PLATFORM}/chat/completions", CHAT),
        ("GET", "/api/v1/admin/users", None),
        ("POST", f"{PLATFORM}/admin/users", {"username": "x", "password": WORDS}),
        ("GET", "/api/v1/admin/keys", None),
        ("PUT", "/api/v1/admin/models/llmd-tiny", {}),
        ("GET", "/api/v1/chat/stream", None),
    ]
    for method, path, body in calls:
        refused = await people.ask(method, path, body, token=token, status=401)
        assert refused["code"] == wanted, path
    with pytest.raises(aiohttp.WSServerHandshakeError) as closed:
        await people.http.ws_connect(f"/api/v1/chat/stream?token={token}")
    assert closed.value.status == 401


async def test_a_key_that_is_revoked_closes_its_socket(people: People) -> None:
    made = await people.key(name="short-lived")
    token = (await people.login("root"))["access_token"]
    async with people.http.ws_connect(f"/api/v1/chat/stream?token={made['key']}") as socket:
        await socket.send_json(CHAT)
        while (await socket.receive_json())["choices"][0]["finish_reason"] is None:
            pass
        path = f"{PLATFORM}/admin/keys/{made['id']}"
        await people.ask("DELETE", path, token=token)
        await socket.send_json(CHAT)
        assert await socket.receive_json() == INVALID_KEY
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_key_that_is_revoked_in_mid_answer_ends_the_answer(
    own: Daemon, people: People
) -> None:
    made = await people.key(name="revoked")
    token = (await people.login("root"))["access_token"]
    async with people.http.ws_connect(f"/api/v1/chat/stream?token={made['key']}") as socket:
        await socket.send_json({**ENDLESS, "model": MODEL})
        while not (await socket.receive_json())["choices"][0]["delta"].get("content"):
            pass
        change = {"enabled": False}
        await people.ask("PUT", f"{PLATFORM}/admin/keys/{made['id']}", change, token=token)
        while "code" not in (last := await socket.receive_json()):
            assert last["choices"][0]["finish_reason"] is None
        assert (last["code"], last["data"]) == (40100, None)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
    loaded = own.loaded(MODEL)
    assert loaded
    assert loaded["running"] == 0


async def test_the_end_of_the_daemon_is_told_to_its_sockets(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    daemon = Daemon(tmp_path_factory.mktemp("ending")).start()
    async with (
        aiohttp.ClientSession(daemon.address) as http,
        http.ws_connect("/api/v1/chat/stream") as socket,
    ):
        daemon.call("POST", "/control/stop", {"mode": "drain"})
        message = await socket.receive(timeout=20)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
    assert daemon.process
    assert daemon.process.wait(20) == 0
    daemon.stop()
