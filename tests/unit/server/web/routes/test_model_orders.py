from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from llmd.models.download import Downloads
from llmd.protocol.callers import Role
from llmd.protocol.models import ModelState, PullProgress
from llmd.protocol.placement import LoadOptions
from llmd.services.defaults import Purpose
from llmd.services.jobs import CheckOrder, LoadOrder, PullOrder, QuantizeOrder, Stage
from tests.fakes.gguf import write
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench

ACTS = (
    "pull",
    "load",
    "unload",
    "stay",
    "quantize",
    "check",
    "copy",
    "delete",
    "default",
    "jobs/1/cancel",
    "jobs/1/resume",
    "jobs/1/now",
    "jobs/1/dismiss",
)


@pytest.fixture
async def visitor(connect: Connect) -> Visitor:
    return Visitor(await connect(tcp=True))


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | None, bool]]:
    """Downloads that never end; returns what they were asked."""
    asked: list[tuple[str, int | None, bool]] = []

    async def pull(
        _self: object, name: str, limit: int | None, *, called: str = "", now: bool
    ) -> AsyncGenerator[PullProgress]:
        asked.append((name, limit, now))
        yield PullProgress(status="downloading", name=name, done=1, total=2)
        await asyncio.Event().wait()

    monkeypatch.setattr(Downloads, "pull", pull)
    return asked


async def act(visitor: Visitor, path: str, status: int = 204, **fields: str) -> dict[str, Any]:
    """Do something; return what the page is told."""
    stamp = await visitor.stamp("/admin/models")
    answer = await visitor.send(f"/web/models/{path}", stamp, **fields)
    assert answer.status == status, await answer.text()
    if status >= 400:
        error: dict[str, Any] = (await answer.json())["error"]
        return error
    told: dict[str, Any] = json.loads(answer.headers.get("HX-Trigger", "{}"))
    return told


async def over(bench: Bench) -> None:
    """Wait for all jobs."""
    if tasks := list(bench.jobs._tasks.values()):
        await asyncio.wait(tasks)


@pytest.mark.parametrize("path", ACTS)
async def test_who_may_only_look_cannot_act_by_a_forged_call(arrive: Arrive, path: str) -> None:
    visitor = await arrive()
    await visitor.log_in()
    assert (await act(visitor, path, 403, name="llmd-tiny"))["code"] == "forbidden"


@pytest.mark.parametrize("path", ACTS)
async def test_a_call_without_the_stamp_of_a_page_is_refused(visitor: Visitor, path: str) -> None:
    answer = await visitor.send(f"/web/models/{path}", "nonsense", name="llmd-tiny")
    assert (await answer.json())["error"]["code"] == "stale_page"


async def test_a_download_outlives_the_call_that_began_it(
    bench: Bench, visitor: Visitor, endless: list[tuple[str, int | None, bool]]
) -> None:
    told = await act(visitor, "pull", name=" acme/m ", limit="5MB/s", now="true")
    assert told["llmd:told"] == "acme/m is being fetched."
    await act(visitor, "pull", name="acme/m")
    (job,) = bench.jobs.list()
    assert (job.order, job.stage) == (
        PullOrder(model="acme/m", limit=5_000_000, now=True),
        Stage.RUNNING,
    )
    assert endless == [("acme/m", 5_000_000, True)]
    await act(visitor, f"jobs/{job.id}/cancel")
    assert bench.jobs.get(job.id).stage is Stage.STOPPED
    await act(visitor, f"jobs/{job.id}/resume")
    await act(visitor, f"jobs/{job.id}/now")
    await act(visitor, f"jobs/{job.id}/cancel")
    await act(visitor, f"jobs/{job.id}/dismiss")
    assert bench.jobs.list() == []
    assert (await act(visitor, f"jobs/{job.id}/dismiss", 404))["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("pull", {"name": "m", "limit": "quick"}, "limit"),
        ("pull", {}, None),
        ("load", {"name": "llmd-tiny", "parallel": "9000"}, "parallel"),
        ("load", {"name": "llmd-tiny", "kv_type": "f64"}, "kv_type"),
        ("stay", {"name": "llmd-tiny", "keep_alive": "soon"}, "keep_alive"),
        ("default", {"purpose": "dancing"}, "purpose"),
        ("default", {"purpose": "vision", "name": "llmd-tiny"}, "model"),
    ],
)
async def test_what_is_wrong_is_named(
    visitor: Visitor, path: str, fields: dict[str, str], param: str | None
) -> None:
    assert (await act(visitor, path, 400, **fields))["param"] == param


async def test_a_model_is_loaded_kept_and_let_go(bench: Bench, visitor: Visitor) -> None:
    await act(visitor, "load", name="llmd-tiny", parallel="3")
    (job,) = bench.jobs.list()
    assert job.order == LoadOrder(model="llmd-tiny", options=LoadOptions(parallel=3))
    await over(bench)
    await act(visitor, "stay", name="llmd-tiny", pinned="true")
    await act(visitor, "stay", name="llmd-tiny", keep_alive="1h")
    loaded = bench.services.library.loaded("llmd-tiny")
    assert loaded
    assert (loaded.options.parallel, loaded.pinned, loaded.keep_alive) == (3, True, 3600.0)
    told = await act(visitor, "stay", name="llmd-tiny", pinned="false")
    assert told["llmd:told"] == "llmd-tiny is not pinned any more."
    await act(visitor, "unload", name="llmd-tiny")
    assert bench.services.library.loaded("llmd-tiny") is None
    assert (await act(visitor, "stay", 404, name="llmd-tiny", pinned="true"))["code"] == (
        "model_not_loaded"
    )


async def test_an_option_that_was_taken_back_counts_no_more(bench: Bench, visitor: Visitor) -> None:
    await act(visitor, "load", name="llmd-tiny", parallel="3", context_length="32")
    await over(bench)
    await act(visitor, "load", name="llmd-tiny", context_length="32")
    await over(bench)
    loaded = bench.services.library.loaded("llmd-tiny")
    assert loaded
    assert loaded.options == LoadOptions(context_length=32)


async def test_a_model_that_answers_is_unloaded_only_when_that_is_meant(
    bench: Bench, visitor: Visitor
) -> None:
    async with bench.pool.lease(bench.store.builtin()):
        answer = await visitor.send("/web/models/unload", name="llmd-tiny")
        assert (answer.status, answer.headers["HX-Retarget"]) == (200, "#dialog-body")
        assert "llmd-tiny is answering 1 requests." in await answer.text()
        loaded = bench.services.library.loaded("llmd-tiny")
        assert loaded
        assert loaded.state is ModelState.READY
        await act(visitor, "unload", name="llmd-tiny", force="true")
    assert bench.services.library.loaded("llmd-tiny") is None


async def test_a_model_is_made_smaller_and_checked(
    bench: Bench, visitor: Visitor, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf", {"general.file_type": 1}), "m")
    await act(visitor, "quantize", name="m", type="Q4_K_M", to=" small ")
    await act(visitor, "check", name="m")
    orders = {type(job.order): job.order for job in bench.jobs.list()}
    quantized = orders[QuantizeOrder]
    assert isinstance(quantized, QuantizeOrder)
    assert (quantized.recipe.type, quantized.name) == ("Q4_K_M", "small")
    assert orders[CheckOrder] == CheckOrder(model="m")
    await over(bench)
    assert {job.stage for job in bench.jobs.list()} == {Stage.DONE}
    assert bench.store.get("small").quantization == "Q4_K_M"


async def test_the_default_is_switched_and_goes_with_its_model(
    bench: Bench, visitor: Visitor
) -> None:
    await act(visitor, "copy", name="llmd-tiny", to="twin")
    told = await act(visitor, "default", purpose="chat", name="twin")
    assert told["llmd:told"] == "Chat: twin answers."
    assert bench.services.library.default_chat() == "twin"
    told = await act(visitor, "delete", name="twin")
    assert told["models:gone"] == "twin"
    assert bench.services.library.default_chat() == "llmd-tiny"
    assert not any(one.chosen for one in bench.services.defaults.list())


async def test_what_was_chosen_can_be_left_to_the_newest_again(
    bench: Bench, visitor: Visitor
) -> None:
    await act(visitor, "default", purpose="embedding", name="llmd-tiny")
    chosen = {one.purpose: one.chosen for one in bench.services.defaults.list()}
    assert chosen[Purpose.EMBEDDING]
    await act(visitor, "default", purpose="embedding")
    assert not any(one.chosen for one in bench.services.defaults.list())


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("load", {"name": "nobody"}, "model_not_found"),
        ("quantize", {"name": "nobody", "type": "Q4_K_M"}, "model_not_found"),
        ("check", {"name": "nobody"}, "model_not_found"),
        ("delete", {"name": "nobody"}, "model_not_found"),
        ("delete", {"name": "llmd-tiny"}, "invalid_request"),
        ("copy", {"name": "llmd-tiny", "to": "llmd-tiny"}, "name_taken"),
        ("unload", {"name": "llmd-tiny"}, "model_not_loaded"),
    ],
)
async def test_what_cannot_be_done_is_said(
    visitor: Visitor, path: str, fields: dict[str, str], code: str
) -> None:
    answer = await visitor.send(f"/web/models/{path}", **fields)
    assert (await answer.json())["error"]["code"] == code


async def test_an_admin_may_do_all_of_it(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    await act(visitor, "copy", name="llmd-tiny", to="twin")
