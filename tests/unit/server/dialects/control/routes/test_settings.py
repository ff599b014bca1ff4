from __future__ import annotations

from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench


async def test_a_setting_is_told_as_it_is_and_will_be(connect: Connect, bench: Bench) -> None:
    client = await connect()
    file = bench.paths.config_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[server]\nmax_body = '64MiB'\n")
    body = await (await client.get("/control/settings/server.max_body")).json()
    assert body == {"value": "32MiB", "then": "64MiB", "pending": True, "override": ""}
    file.write_text("")
    body = await (await client.get("/control/settings/server.max_body")).json()
    assert (body["then"], body["pending"]) == ("32MiB", False)


async def test_there_are_no_others(connect: Connect) -> None:
    assert (await (await connect()).get("/control/settings/server.prt")).status == 404
