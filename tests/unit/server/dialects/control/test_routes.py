from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from tests.unit.server.conftest import Client, Connect
from tests.unit.services.conftest import Bench


async def lines(client: Client, path: str, body: object) -> list[dict[str, object]]:
    response = await client.post(path, json=body)
    assert response.status == 200
    return [json.loads(line) for line in (await response.read()).splitlines()]


async def test_status_of_an_idle_daemon(connect: Connect) -> None:
    body = await (await (await connect()).get("/control/status")).json()
    assert body["state"] == "running"
    assert body["models"] == 1
    assert body["loaded"] == []


async def test_the_library(connect: Connect, embedding_model: Path) -> None:
    client = await connect()
    order = {"path": str(embedding_model), "name": "org/minilm:Q4_0"}
    made = await (await client.post("/control/models/import", json=order)).json()
    assert made["architecture"] == "bert"
    listed = await (await client.get("/control/models")).json()
    assert listed["default"] == "llmd-tiny"
    assert "org/minilm:Q4_0" in [model["name"] for model in listed["models"]]
    path = f"/control/models/{quote('org/minilm:Q4_0', safe='')}"
    card = await (await client.get(path)).json()
    assert (card["name"], card["loaded"]) == ("org/minilm:Q4_0", None)
    assert card["metadata"]["bert.context_length"] == 512
    copied = await client.post(
        "/control/models/copy", json={"source": "org/minilm:Q4_0", "target": "m"}
    )
    assert (await copied.json())["name"] == "m"
    assert (await (await client.delete(path)).json())["removed"] == "org/minilm:Q4_0"
    assert (await client.get(path)).status == 404


async def test_load_ps_unload(bench: Bench, connect: Connect) -> None:
    client = await connect()
    progress = await lines(client, "/control/load", {"model": "llmd-tiny"})
    assert progress[-1]["status"] == "ready"
    shown = await (await client.get("/control/ps")).json()
    assert [model["name"] for model in shown["models"]] == ["llmd-tiny"]
    gone = await client.post("/control/unload", json={"all": True})
    assert await gone.json() == {"unloaded": ["llmd-tiny"]}
    assert not bench.starts.workers[0].alive


async def test_what_fails_before_the_first_line_is_an_ordinary_error(connect: Connect) -> None:
    response = await (await connect()).post("/control/load", json={"model": "nothing"})
    assert response.status == 404
    assert (await response.json())["error"]["code"] == "model_not_found"


async def test_what_fails_later_is_the_last_line(bench: Bench, connect: Connect) -> None:
    from llmd.errors import CorruptFile

    bench.starts.fail = [CorruptFile("bad")]
    progress = await lines(await connect(), "/control/load", {})
    assert progress[-1]["error"]["code"] == "corrupt_file"  # type: ignore[index]


async def test_stop_drains_or_hurries(bench: Bench, connect: Connect) -> None:
    client = await connect()
    await client.post("/control/stop", json={})
    await client.post("/control/stop", json={"mode": "now"})
    assert bench.stopped == [False, True]
    assert (await client.post("/control/stop", json={"mode": "later"})).status == 400
