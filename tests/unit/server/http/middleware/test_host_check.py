from __future__ import annotations

import pytest

from llmd.config.settings import AuthMode
from llmd.server.http.middleware.host_check import host_name
from tests.unit.server.conftest import Guard


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8000", "localhost"),
        ("[::1]:8000", "::1"),
        ("EVIL.example", "evil.example"),
        ("", ""),
    ],
)
def test_host_names(header: str, name: str) -> None:
    assert host_name(header) == name


async def statuses(guard: Guard, names: list[str], host: str, hosts: str) -> dict[str, int]:
    client = (await guard(host=host, hosts=hosts)).client
    return {name: (await client.get("/health", headers={"Host": name})).status for name in names}


NAMES = ["localhost:8000", "app.localhost", "127.0.0.1", "llm.lan", "192.0.2.5:8000", "evil.net"]


async def test_on_loopback_only_names_of_this_machine_count(guard: Guard) -> None:
    found = await statuses(guard, NAMES, "127.0.0.1", "")
    assert list(found.values()) == [200, 200, 200, 403, 403, 403]


PRIVATE = ["host.docker.internal:8000", "Host.Containers.Internal", "0.0.0.0:8000", "[::]:8000"]


@pytest.mark.parametrize("hosts", ["", "llm.lan"])
async def test_containers_reach_their_host_by_its_name(guard: Guard, hosts: str) -> None:
    found = await statuses(guard, PRIVATE, "127.0.0.1", hosts)
    assert set(found.values()) == {200}
    near = ["internal", "x.internal.evil.net", "evilinternal", "0.0.0.0.evil.net"]
    assert set((await statuses(guard, near, "127.0.0.1", hosts)).values()) == {403}


async def test_a_page_that_was_loaded_by_a_private_name_may_not_call(guard: Guard) -> None:
    name = "made-up.internal:8000"
    headers = {"Host": name, "Origin": f"http://{name}"}
    client = (await guard(AuthMode.OPEN)).client
    for method, path in (("POST", "/v1/tokenize"), ("GET", "/api/ws/chat")):
        answer = await client.request(method, path, headers=headers)
        assert answer.status == 403
    client = (await guard(AuthMode.OPEN, hosts="made-up.internal")).client
    assert (await client.post("/v1/tokenize", json={}, headers=headers)).status != 403


async def test_who_comes_by_a_private_name_is_not_the_owner(guard: Guard) -> None:
    client = (await guard(AuthMode.OPEN)).client
    for name, status in (("localhost", 200), ("host.docker.internal", 303)):
        headers = {"Host": name, "Accept": "text/html"}
        answer = await client.get("/admin/users", headers=headers, allow_redirects=False)
        assert answer.status == status


async def test_names_from_the_settings_count_too(guard: Guard) -> None:
    found = await statuses(guard, NAMES, "127.0.0.1", "LLM.lan, other.lan")
    assert list(found.values()) == [200, 200, 200, 200, 403, 403]


async def test_an_address_for_others_has_many_names_unless_they_are_listed(guard: Guard) -> None:
    assert set((await statuses(guard, NAMES, "0.0.0.0", "")).values()) == {200}
    listed = await statuses(guard, NAMES, "0.0.0.0", "llm.lan")
    assert list(listed.values()) == [200, 200, 200, 200, 200, 403]
