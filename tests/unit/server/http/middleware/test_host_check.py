from __future__ import annotations

import pytest

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


async def test_names_from_the_settings_count_too(guard: Guard) -> None:
    found = await statuses(guard, NAMES, "127.0.0.1", "LLM.lan, other.lan")
    assert list(found.values()) == [200, 200, 200, 200, 403, 403]


async def test_an_address_for_others_has_many_names_unless_they_are_listed(guard: Guard) -> None:
    assert set((await statuses(guard, NAMES, "0.0.0.0", "")).values()) == {200}
    listed = await statuses(guard, NAMES, "0.0.0.0", "llm.lan")
    assert list(listed.values()) == [200, 200, 200, 200, 200, 403]
