from __future__ import annotations

from typing import Any

import pytest

from llmd.config.settings import AuthMode
from tests.unit.server.conftest import Client, Guard

CHAT = "https://chat.example.com"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
}


async def ask(client: Client, method: str, origin: str, **headers: str) -> Any:
    sent = {"Origin": origin, **headers}
    return await client.request(method, "/v1/models", headers=sent)


async def test_without_settings_no_page_may_read_anything(guard: Guard) -> None:
    client = (await guard(AuthMode.OPEN)).client
    answer = await ask(client, "GET", CHAT)
    assert answer.status == 200
    assert {name for name in answer.headers if name.startswith("Access-Control")} == set()
    assert "Vary" not in answer.headers
    asked = await ask(client, "OPTIONS", CHAT, **PREFLIGHT)
    assert asked.status >= 400
    assert "Access-Control-Allow-Origin" not in asked.headers


async def test_a_configured_page_may_read_also_errors(guard: Guard) -> None:
    guarded = await guard(cors_origins=f"{CHAT}, https://other.example.com")
    refused = await ask(guarded.client, "GET", CHAT)
    assert refused.status == 401
    answer = await ask(guarded.client, "GET", CHAT, **await guarded.key())
    assert answer.status == 200
    for found in (refused, answer):
        assert found.headers["Access-Control-Allow-Origin"] == CHAT
        assert "X-Request-Id" in found.headers["Access-Control-Expose-Headers"]
        assert found.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in found.headers


async def test_a_browser_that_asks_beforehand_needs_no_key(guard: Guard) -> None:
    client = (await guard(cors_origins=CHAT)).client
    answer = await ask(client, "OPTIONS", CHAT, **PREFLIGHT)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == CHAT
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "x-stainless-os" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("mode", [AuthMode.OPEN, AuthMode.KEYS])
@pytest.mark.parametrize("origin", [CHAT, "http://localhost:3000", "app://chatbox"])
async def test_a_browser_that_asks_for_another_page_is_told_the_setting(
    guard: Guard, mode: AuthMode, origin: str
) -> None:
    asked = await ask((await guard(mode)).client, "OPTIONS", origin, **PREFLIGHT)
    assert asked.status == 403
    assert "cors_origins" in await asked.text()


@pytest.mark.parametrize(
    "origin", ["https://evil.net", "null", f"{CHAT}.evil.net", "http://chat.example.com"]
)
async def test_other_pages_get_nothing(guard: Guard, origin: str) -> None:
    client = (await guard(AuthMode.OPEN, cors_origins=CHAT)).client
    asked = await ask(client, "OPTIONS", origin, **PREFLIGHT)
    assert asked.status >= 400
    answer = await ask(client, "GET", origin)
    for found in (asked, answer):
        assert "Access-Control-Allow-Origin" not in found.headers
        assert found.headers["Vary"] == "Origin"


async def test_all_pages_may_read_where_the_settings_say_so(guard: Guard) -> None:
    client = (await guard(AuthMode.OPEN, cors_origins="*")).client
    answer = await ask(client, "GET", "https://anything.net")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://anything.net"
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_streams_carry_the_headers_too(guard: Guard) -> None:
    guarded = await guard(AuthMode.OPEN, cors_origins=CHAT)
    body = {"messages": [{"role": "user", "content": "a b"}], "stream": True}
    answer = await guarded.client.post("/v1/chat/completions", json=body, headers={"Origin": CHAT})
    assert answer.headers["Access-Control-Allow-Origin"] == CHAT
    assert b"[DONE]" in await answer.read()


@pytest.mark.parametrize("origin", ["https://evil.net", "null", "http://localhost.evil.net"])
async def test_a_foreign_page_makes_nothing_happen_where_no_key_is_asked_for(
    guard: Guard, origin: str
) -> None:
    guarded = await guard(AuthMode.OPEN)
    # what a page may send without asking beforehand
    answer = await guarded.client.post(
        "/models/llmd-tiny/unload",
        data="{}",
        headers={"Origin": origin, "Content-Type": "text/plain"},
    )
    assert answer.status == 403
    assert "cors_origins" in await answer.text()


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "app://chatbox", "http://127.0.0.1:8000"]
)
async def test_pages_of_this_machine_work_as_other_programs(guard: Guard, origin: str) -> None:
    client = (await guard(AuthMode.OPEN)).client
    answer = await client.post("/v1/tokenize", json={"content": "x"}, headers={"Origin": origin})
    assert answer.status != 403


async def test_where_keys_are_asked_for_a_key_is_enough(guard: Guard) -> None:
    guarded = await guard()
    headers = {"Origin": "https://evil.net", **await guarded.key()}
    answer = await guarded.client.post("/v1/validate", json={"schema": {}}, headers=headers)
    assert answer.status == 200


@pytest.mark.parametrize("mode", list(AuthMode))
async def test_a_foreign_page_opens_no_websocket(guard: Guard, mode: AuthMode) -> None:
    guarded = await guard(mode, cors_origins=CHAT)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://evil.net"}
    answer = await guarded.client.get("/api/v1/chat/stream", headers=headers)
    assert answer.status == 403
    allowed = await guarded.client.get("/api/v1/chat/stream", headers={**headers, "Origin": CHAT})
    assert allowed.status != 403
