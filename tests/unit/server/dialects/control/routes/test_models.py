from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.fakes.random_adapter import write_adapter
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


async def test_adapters_come_and_go(
    bench: Bench, connect: Connect, tiny_model: Path, tmp_path: Path
) -> None:
    client = await connect()
    bench.store.copy("llmd-tiny", "org/mine")
    path = write_adapter(tmp_path / "poet.gguf", tiny_model)
    order = {"model": "org/mine", "path": str(path), "scale": 0.5}
    made = await (await client.post("/control/adapters/add", json=order)).json()
    assert made["adapters"] == [{"name": "poet", "path": str(path), "scale": 0.5, "default": False}]
    gone = {"model": "org/mine", "name": "poet"}
    assert (await (await client.post("/control/adapters/remove", json=gone)).json())[
        "adapters"
    ] == []
    assert (await client.post("/control/adapters/remove", json=gone)).status == 404


async def test_a_model_is_registered_with_its_pooling(
    connect: Connect, embedding_model: Path, reranker_model: Path
) -> None:
    client = await connect()
    order = {"path": str(embedding_model), "pooling": "cls", "name": "m"}
    made = await (await client.post("/control/models/import", json=order)).json()
    assert (made["pooling"], made["kind"]) == ("cls", "embedding")
    refused = await client.post("/control/models/import", json={**order, "pooling": "rank"})
    assert refused.status == 400
    order["path"] = str(reranker_model)
    made = await (
        await client.post("/control/models/import", json={**order, "pooling": "rank", "name": "r"})
    ).json()
    assert (made["pooling"], made["kind"]) == ("rank", "rerank")


async def test_requests_are_listed_for_the_owner_alone(connect: Connect) -> None:
    client = await connect()
    headers = {"X-Request-Id": "abc"}
    body = {"prompt": "a b", "user": "ann", "lane": "batch"}
    await client.post("/v1/completions", json=body, headers=headers)
    listed = await (await client.get("/control/requests")).json()
    assert listed["live"] == []
    (ended,) = listed["ended"]
    assert (ended["client"], ended["lane"], ended["trace"]) == ("user:ann", "batch", "abc")
    assert (ended["state"], ended["reason"], ended["generated_tokens"]) == ("done", "stop", 2)
    assert (await (await connect(tcp=True)).get("/control/requests")).status == 404


async def test_models_of_other_tools_are_found_and_adopted(
    connect: Connect, tiny_model: Path, tmp_path: Path
) -> None:
    client = await connect()
    theirs = tmp_path / "theirs" / "acme" / "tiny" / "copy-Q8_0.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(tiny_model.read_bytes())
    order = {"places": [{"tool": "lm-studio", "directory": str(tmp_path / "theirs")}]}
    survey = await (await client.post("/control/models/scan", json=order)).json()
    assert [(one["name"], one["standing"]) for one in survey["findings"]] == [
        ("acme/tiny:Q8_0", "new")
    ]
    made = await lines(client, "/control/models/adopt", {**order, "names": ["acme/tiny:Q8_0"]})
    assert made[0]["model"]["path"] == str(theirs)  # type: ignore[index]
    assert made[-1]["status"] == "done"
    wrong = {"places": [{"tool": "winzip", "directory": "/"}]}
    assert (await client.post("/control/models/scan", json=wrong)).status == 400


async def test_an_import_that_keeps_the_file_answers_with_lines(
    connect: Connect, embedding_model: Path
) -> None:
    client = await connect()
    order = {"path": str(embedding_model), "name": "m", "keep": "copy"}
    made = await lines(client, "/control/models/import", order)
    assert made[-1]["model"]["owned"] is True  # type: ignore[index]
    refused = await client.post("/control/models/import", json={**order, "path": "/nowhere"})
    assert refused.status == 404


async def test_the_catalogue_is_searched(connect: Connect) -> None:
    client = await connect()
    path = "/control/catalog?query=qwen3&kind=embedding&max_size=1000000000"
    found = await (await client.get(path)).json()
    assert [offer["alias"] for offer in found["models"]] == ["qwen3-embedding-0.6b"]
    everything = await (await client.get("/control/catalog")).json()
    assert len(everything["models"]) > 40
    for query in ("max_size=-1", "max_size=%C2%B2", "max_size=1e9", "kind=nonsense"):
        assert (await client.get(f"/control/catalog?{query}")).status == 400


async def test_files_and_catalogue_entries_are_inspected(
    connect: Connect, embedding_model: Path
) -> None:
    client = await connect()

    async def inspected(model: str) -> Any:
        return await (await client.post("/control/inspect", json={"model": model})).json()

    assert (await inspected("llmd-tiny"))["state"] == "installed"
    found = await inspected(str(embedding_model))
    assert (found["state"], found["name"]) == ("file", embedding_model.name)
    assert (await inspected("qwen3-0.6b"))["state"] == "catalogue"
    missing = await client.post("/control/inspect", json={"model": "/no/such.gguf"})
    assert missing.status == 404
    over_tcp = await connect(tcp=True)
    assert (await over_tcp.post("/control/inspect", json={"model": "x"})).status == 404


async def test_options_of_a_load_and_the_default_models(bench: Bench, connect: Connect) -> None:
    client = await connect()
    order = {"model": "llmd-tiny", "options": {"context_length": 128, "pinned": True}}
    progress = await lines(client, "/control/load", order)
    assert progress[-1]["model"]["pinned"] is True  # type: ignore[index]
    assert bench.starts.orders[0].context_length == 128
    bench.store.copy("llmd-tiny", "other")
    change = {"purpose": "chat", "model": "other"}
    changed = await (await client.post("/control/defaults", json=change)).json()
    assert (changed["model"], changed["chosen"]) == ("other", True)
    shown = await (await client.get("/control/defaults")).json()
    assert {row["purpose"]: row["model"] for row in shown["defaults"]}["chat"] == "other"
    wrong = await client.post("/control/load", json={"options": {"parallel": 0}})
    assert (wrong.status, (await wrong.json())["error"]["param"]) == (400, "parallel")
