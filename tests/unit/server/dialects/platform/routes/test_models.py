from __future__ import annotations

from typing import Any

import pytest

from tests.unit.server.conftest import Client, Connect
from tests.unit.services.conftest import Bench

BASE = "/platform/api/v1/admin/models"
PIRATE = {
    "id": "org/海盗:tiny",
    "base": "llmd-tiny",
    "system": "Arr",
    "sampling": {"temperature": 0, "stop": ["\n"]},
    "options": {"context_length": 64},
    "messages": [{"role": "user", "content": "ahoy"}],
}


async def ask(
    client: Client, method: str, path: str = "", body: object = None, status: int = 200
) -> Any:
    async with client.request(method, BASE + path, json=body) as response:
        answer = await response.json()
    assert response.status == status, answer
    return answer["data"] if status == 200 else answer


async def test_a_configuration_is_added_listed_and_changed(bench: Bench, connect: Connect) -> None:
    client = await connect()
    made = await ask(client, "POST", body=PIRATE)
    assert {name: made[name] for name in PIRATE} == PIRATE
    assert (made["loaded"], made["kind"]) == (False, "chat")
    listed = await ask(client, "GET", "?page_size=1&page=2")
    assert (listed["total"], listed["items"]) == (2, [made])

    change = {"system": "Avast", "sampling": {"top_k": 3}}
    changed = await ask(client, "PUT", "/org/海盗:tiny", change)
    assert (changed["system"], changed["base"]) == ("Avast", "llmd-tiny")
    assert changed["sampling"] == {"temperature": 0, "stop": ["\n"], "top_k": 3}
    assert changed["options"] == PIRATE["options"]
    assert bench.store.get("org/海盗:tiny").preset.system == "Avast"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", PIRATE, 409, 40900),
        ("POST", "", {**PIRATE, "id": "llmd-tiny"}, 409, 40900),
        ("POST", "", {**PIRATE, "id": "x", "base": "/etc/passwd"}, 404, 40401),
        ("POST", "", {**PIRATE, "id": "../../x"}, 400, 40000),
        ("POST", "", {**PIRATE, "id": "x", "template_file": "/etc/passwd"}, 400, 40000),
        ("POST", "", {**PIRATE, "id": "x", "options": {"parallel": 0}}, 400, 40000),
        ("PUT", "/nobody", {"system": "x"}, 404, 40401),
        ("PUT", "/llmd-tiny", {"system": "x"}, 400, 40000),
        ("PUT", "/org/海盗:tiny", {"base": "x"}, 400, 40000),
        ("PUT", "/org/海盗:tiny", {"template": "{{ unclosed"}, 400, 40000),
        ("PUT", "/org/海盗:tiny", {"draft": "nobody"}, 404, 40401),
    ],
)
async def test_configurations_that_cannot_be_change_nothing(
    bench: Bench, connect: Connect, method: str, path: str, body: object, status: int, code: int
) -> None:
    client = await connect()
    await ask(client, "POST", body=PIRATE)
    before = bench.store.list()
    answer = await ask(client, method, path, body, status)
    assert (answer["code"], answer["data"]) == (code, None)
    assert bench.store.list() == before
