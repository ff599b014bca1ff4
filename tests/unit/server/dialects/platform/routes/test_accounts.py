from __future__ import annotations

from typing import Any

import pytest

from tests.unit.server.conftest import Client, Connect

BASE = "/platform/api/v1"
WORDS = "correct horse battery"


async def ask(
    client: Client, method: str, path: str, body: object = None, status: int = 200, key: str = ""
) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with client.request(method, BASE + path, json=body, headers=headers) as response:
        answer = await response.json()
    assert response.status == status, answer
    return answer["data"] if status == 200 else answer


async def add_user(client: Client, name: str, **fields: object) -> dict[str, Any]:
    body = {"username": name, "password": WORDS, **fields}
    return dict(await ask(client, "POST", "/admin/users", body))


async def test_users_are_made_listed_shown_and_changed(connect: Connect) -> None:
    client = await connect()
    made = await add_user(client, "王小明", role="admin", limits={"requests_per_minute": 5})
    assert (made["username"], made["role"], made["enabled"]) == ("王小明", "admin", True)
    assert (made["limits"]["requests_per_minute"], made["last_login"]) == (5, None)
    assert "password" not in made
    assert await ask(client, "GET", f"/admin/users/{made['id']}") == made
    await add_user(client, "ann")
    listed = await ask(client, "GET", "/admin/users?page=1&page_size=1")
    assert (listed["total"], len(listed["items"])) == (2, 1)
    changed = await ask(client, "PUT", f"/admin/users/{made['id']}", {"enabled": False})
    assert changed == {**made, "enabled": False}
    limits = {"tokens_per_day": 70}
    changed = await ask(client, "PUT", f"/admin/users/{made['id']}", {"limits": limits})
    assert changed["limits"] == {**made["limits"], **limits}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/admin/users", {"username": "ann"}, 400, 40000),
        ("POST", "/admin/users", {"username": "", "password": WORDS}, 400, 40000),
        ("POST", "/admin/users", {"username": "x", "password": WORDS, "rôle": 1}, 400, 40000),
        ("POST", "/admin/users", {"username": "x", "password": WORDS, "role": "god"}, 400, 40000),
        ("POST", "/admin/users", {"username": "bob", "password": WORDS}, 409, 40900),
        ("GET", "/admin/users/1%27%20OR%20%271%27=%271", None, 404, 40400),
        ("PUT", "/admin/users/..%2F..%2Fetc", {"enabled": True}, 404, 40400),
        ("GET", "/admin/users?page=0", None, 400, 40000),
        ("GET", "/admin/users?page_size=9999", None, 400, 40000),
        ("POST", "/admin/keys", {"user_id": "nobody"}, 404, 40400),
        ("POST", "/admin/keys", {"scopes": ["all"]}, 400, 40000),
        ("POST", "/admin/keys", {"expires_at": "2030-01-01T00:00:00"}, 400, 40000),
        ("PUT", "/admin/keys/none", {"enabled": False}, 404, 40400),
        ("DELETE", "/admin/keys/none", None, 404, 40400),
        ("POST", "/auth/login", {"username": "bob", "password": "wrong"}, 401, 40100),
        ("POST", "/auth/login", {"username": "a\0b'--", "password": "wrong"}, 401, 40100),
        ("POST", "/auth/login", {"username": "bob"}, 400, 40000),
        ("POST", "/auth/refresh", {"refresh_token": "x"}, 401, 40100),
        ("POST", "/auth/refresh", {}, 400, 40000),
    ],
)
async def test_what_cannot_be_is_told_with_its_code(
    connect: Connect, method: str, path: str, body: object, status: int, code: int
) -> None:
    client = await connect()
    await add_user(client, "bob")
    answer = await ask(client, method, path, body, status)
    assert (answer["code"], answer["data"]) == (code, None)


async def test_a_key_is_made_used_disabled_and_forgotten(connect: Connect) -> None:
    client, stranger = await connect(), await connect(tcp=True)
    user = await add_user(client, "ann")
    order = {"user_id": user["id"], "name": "laptop", "expires_at": "2999-01-01T00:00:00Z"}
    made = await ask(client, "POST", "/admin/keys", order)
    secret = made.pop("key")
    assert secret.startswith(made["prefix"])
    assert (made["user_id"], made["name"]) == (user["id"], "laptop")
    assert made["expires_at"] == "2999-01-01T00:00:00Z"
    listed = await ask(client, "GET", "/admin/keys")
    assert listed["items"] == [made]

    chat = {"model": "llmd-tiny", "messages": [{"role": "user", "content": "a"}]}
    await ask(stranger, "POST", "/chat/completions", chat, key=secret)
    answer = await ask(stranger, "GET", "/admin/keys", status=403, key=secret)
    assert answer["code"] == 40300
    changed = await ask(client, "PUT", f"/admin/keys/{made['id']}", {"enabled": False})
    assert changed["enabled"] is False
    answer = await ask(stranger, "POST", "/chat/completions", chat, 401, secret)
    assert answer == {"code": 40001, "message": "Invalid API Key", "data": None}
    assert await ask(client, "DELETE", f"/admin/keys/{made['id']}") is None
    await ask(client, "DELETE", f"/admin/keys/{made['id']}", status=404)


async def test_an_admin_logs_in_and_administers_over_the_network(connect: Connect) -> None:
    client, stranger = await connect(), await connect(tcp=True)
    await add_user(client, "root", role="admin")
    login = {"username": "root", "password": WORDS}
    tokens = await ask(stranger, "POST", "/auth/login", login)
    assert (tokens["token_type"], tokens["expires_in"] > 0) == ("bearer", True)
    listed = await ask(stranger, "GET", "/admin/users", key=tokens["access_token"])
    assert listed["items"][0]["last_login"] is not None
    again = {"refresh_token": tokens["refresh_token"]}
    fresh = await ask(stranger, "POST", "/auth/refresh", again)
    assert fresh["refresh_token"] != tokens["refresh_token"]
    await ask(stranger, "GET", "/admin/users", key=fresh["access_token"])
    # used twice: somebody else has it too, and the whole login ends
    await ask(stranger, "POST", "/auth/refresh", again, 401)
    await ask(stranger, "GET", "/admin/users", status=401, key=fresh["access_token"])


async def test_a_login_ends_when_it_is_asked_to(connect: Connect) -> None:
    client, stranger = await connect(), await connect(tcp=True)
    await add_user(client, "ann")
    tokens = await ask(stranger, "POST", "/auth/login", {"username": "ann", "password": WORDS})
    again = {"refresh_token": tokens["refresh_token"]}
    assert await ask(stranger, "POST", "/auth/logout", again) is None
    await ask(stranger, "POST", "/auth/refresh", again, 401)
