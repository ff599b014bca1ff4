from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench

PASSWORD = "correct horse"


async def test_users_are_made_listed_changed_and_removed(connect: Connect) -> None:
    client = await connect()
    order = {"name": "张伟", "password": PASSWORD, "role": "admin", "limits": {"concurrent": 2}}
    made = await (await client.post("/control/users", json=order)).json()
    assert (made["name"], made["role"], made["enabled"]) == ("张伟", "admin", True)
    assert made["limits"]["concurrent"] == 2
    assert PASSWORD not in str(made)
    listed = await (await client.get("/control/users")).json()
    assert listed == {"users": [made]}
    path = f"/control/users/{quote('张伟')}"
    changed = await (await client.post(path, json={"enabled": False})).json()
    assert changed == {**made, "enabled": False}
    assert await (await client.delete(path)).json() == {"removed": "张伟"}
    assert (await client.delete(path)).status == 404


async def test_a_second_user_of_a_name_is_a_conflict(connect: Connect) -> None:
    client = await connect()
    order = {"name": "ann", "password": PASSWORD}
    assert (await client.post("/control/users", json=order)).status == 200
    again = await client.post("/control/users", json={**order, "name": "ANN"})
    assert again.status == 409
    assert (await again.json())["error"]["code"] == "name_taken"


async def test_keys_are_made_listed_changed_and_removed(connect: Connect) -> None:
    client = await connect()
    await client.post("/control/users", json={"name": "ann", "password": PASSWORD})
    order = {"user": "ann", "name": "laptop/1", "scopes": ["generate"], "expires_in": 3600}
    made = await (await client.post("/control/keys", json=order)).json()
    key, secret = made["key"], made["secret"]
    assert secret.startswith(key["prefix"])
    assert key["scopes"] == ["generate"]
    assert 0 < key["expires_at"] - time.time() <= 3600
    other = await (await client.post("/control/keys", json={})).json()
    listed = await (await client.get("/control/keys")).json()
    assert listed["keys"] == [{"key": key, "user": "ann"}, {"key": other["key"], "user": ""}]
    assert secret not in str(listed)
    hers = await (await client.get("/control/keys", params={"user": "ann"})).json()
    assert [row["key"]["id"] for row in hers["keys"]] == [key["id"]]
    path = f"/control/keys/{quote('laptop/1', safe='')}"
    changed = await (await client.post(path, json={"enabled": False})).json()
    assert changed["enabled"] is False
    assert await (await client.delete(path)).json() == {"removed": key["prefix"]}
    assert (await client.delete(path)).status == 404


async def test_what_keys_used_is_listed_by_the_day(connect: Connect, bench: Bench) -> None:
    client = await connect()
    await client.post("/control/users", json={"name": "ann", "password": PASSWORD})
    made = await (await client.post("/control/keys", json={"user": "ann", "name": "a"})).json()
    other = await (await client.post("/control/keys", json={"name": "b"})).json()
    usage = bench.services.usage
    usage.note(f"key:{made['key']['id']}", 5)
    usage.note(f"key:{made['key']['id']}", 6)
    listed = (await (await client.get("/control/usage")).json())["keys"]
    assert [(row["name"], row["user"]) for row in listed] == [("a", "ann"), ("b", "")]
    (day,) = listed[0]["days"]
    assert (day["tokens"], day["answers"]) == (11, 2)
    assert 0 <= time.time() - day["start"] <= 86_400 + 60
    one = await (await client.get("/control/usage", params={"key": "b", "days": "1"})).json()
    assert one["keys"] == [{**listed[1], "prefix": other["key"]["prefix"], "days": []}]
    assert (await client.get("/control/usage", params={"key": "nobody"})).status == 404
    assert (await client.get("/control/usage", params={"days": "0"})).status == 400


async def test_what_is_wrong_is_named(connect: Connect) -> None:
    client = await connect()

    async def refused(path: str, body: Any) -> tuple[int, str]:
        answer = await client.post(path, json=body)
        return answer.status, (await answer.json())["error"]["param"]

    assert await refused("/control/users", {"name": "../x", "password": PASSWORD}) == (400, "name")
    assert await refused("/control/users", {"name": "x", "password": "short"}) == (400, "password")
    assert await refused("/control/users", {"name": "x"}) == (400, "password")
    assert await refused("/control/keys", {"scopes": ["fly"]}) == (400, "scopes[0]")
    assert await refused("/control/keys", {"expires_in": -5}) == (400, "expires_at")
    assert (await client.post("/control/keys", json={"user": "nobody"})).status == 404
    assert (await client.get("/control/keys", params={"user": "nobody"})).status == 404
    assert (await client.get("/control/audit", params={"limit": "0"})).status == 400


async def test_what_was_done_is_listed_newest_first(connect: Connect) -> None:
    client = await connect()
    await client.post("/control/users", json={"name": "ann", "password": PASSWORD})
    await client.post("/control/keys", json={"user": "ann"})
    entries = (await (await client.get("/control/audit")).json())["entries"]
    assert [(entry["kind"], entry["actor"]) for entry in entries] == [
        ("key_added", "owner"),
        ("user_added", "owner"),
    ]
    one = await (await client.get("/control/audit", params={"limit": 1})).json()
    assert one["entries"] == entries[:1]


async def test_none_of_it_is_on_tcp(connect: Connect) -> None:
    client = await connect(tcp=True)
    for path in ("/control/users", "/control/keys", "/control/audit"):
        assert (await client.get(path)).status == 404
