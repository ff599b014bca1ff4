from __future__ import annotations

import pytest

from llmd.protocol.callers import Scope
from llmd.server.dialects.platform.routes import table
from tests.unit.server.conftest import Connect


def test_all_of_the_administration_is_for_admins() -> None:
    assert {route.scope for route in table.ADMIN_ROUTES} == {Scope.ADMIN}
    assert {route.scope for route in table.AUTH_ROUTES} == {None}


@pytest.mark.parametrize("base", ["", "/platform"])
async def test_what_nothing_else_claims_answers_without_the_prefix(
    connect: Connect, base: str
) -> None:
    client = await connect(tcp=True)
    response = await client.get(f"{base}/api/v1/admin/users")
    assert response.status == 401  # nobody is an admin over the network without saying who they are
    body = await response.json()
    assert (body["code"], body["data"]) == (40100, None)
    response = await client.get(f"{base}/api/v1/admin/nothing")
    assert (response.status, (await response.json())["code"]) == (404, 40400)
    response = await client.put(f"{base}/api/v1/auth/login")
    assert (response.status, (await response.json())["code"]) == (405, 40500)
    response = await client.get(f"{base}/api/v1/chat/stream")
    assert (response.status, (await response.json())["code"]) == (400, 40000)


async def test_the_chat_without_the_prefix_is_another_dialects(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = {"model": "llmd-tiny", "messages": [{"role": "user", "content": "a"}]}
    plain = await (await client.post("/api/v1/chat/completions", json=body)).json()
    assert plain["object"] == "chat.completion"
    response = await client.post("/platform/api/v1/chat/completions", json=body)
    assert (await response.json())["data"]["object"] == "chat.completion"
    response = await client.get("/platform/api/v2/anything")
    assert (await response.json())["code"] == 40400
