from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from llmd.config.settings import AuthMode
from llmd.protocol.callers import Scope
from llmd.protocol.deployments import (
    Deployment,
    DeploymentOptions,
    DeploymentOrder,
    Fault,
    LogLine,
    Stage,
    StageName,
    StageStatus,
)
from llmd.server.web.pages import Site
from llmd.server.web.routes import deployments
from tests.fakes import sites
from tests.fakes.snapshots import BUSY, DEPLOYMENT
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench

replace = msgspec.structs.replace
HOSTILE = '<img src=x onerror="x">'


@pytest.fixture
def hub(bench: Bench, tmp_path: Path) -> sites.Site:
    found = sites.Site(bench.store, tmp_path)
    found.offers = {"qwen3-8b:Q8_0": 7}
    bench.services.variants._pulls = found  # type: ignore[assignment]
    return found


async def ended(bench: Bench) -> Deployment:
    async with asyncio.timeout(20):
        while True:
            (found,) = await bench.deployments.list()
            if found.status != "in_progress":
                return found
            await asyncio.sleep(0.01)


def job(**changes: object) -> Deployment:
    return replace(DEPLOYMENT, **changes)


async def test_a_model_is_deployed_told_and_unloaded(
    connect: Connect, bench: Bench, hub: sites.Site
) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.send(
        "/web/deployments",
        model_type="qwen3",
        model_size="8b",
        quantization="int8",
        max_batch_size="2",
        flash_attention="on",
    )
    assert answer.status == 204, await answer.text()
    assert "llmd:told" in answer.headers["HX-Trigger"]
    done = await ended(bench)
    assert done.order.deployment_config == DeploymentOptions(
        max_batch_size=2, use_flash_attention=True
    )
    assert done.status == "completed", done.error
    text = await (await visitor.open("/web/deployments")).text()
    assert done.model_id in text
    assert f'data-unload="{done.model_id}"' in text
    left = await visitor.send("/web/deployments/unload", model=done.model_id)
    assert left.status == 204
    async with asyncio.timeout(5):
        while bench.services.residents.models():
            await asyncio.sleep(0.01)
    assert "Deploy again" in await (await visitor.open("/admin/deployments")).text()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model_type": "x" * 600}, "model_type"),
        ({"model_type": "qwen3", "max_batch_size": "0"}, "max_batch_size"),
        ({"model_type": "qwen3", "max_batch_size": "many"}, "max_batch_size"),
        ({"model_type": "qwen3", "flash_attention": "maybe"}, "flash_attention"),
        ({"model_type": "no-such-family", "model_size": "8b"}, "model_type"),
        ({"model_type": "qwen3", "model_size": "8b", "quantization": "int3.5"}, "quantization"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_its_field(
    connect: Connect, hub: sites.Site, fields: dict[str, str], param: str
) -> None:
    answer = await Visitor(await connect(tcp=True)).send("/web/deployments", **fields)
    assert answer.status in {400, 404}
    wrong = (await answer.json())["error"]
    assert wrong["param"] == param
    assert wrong["message"]


async def test_a_model_that_is_not_loaded_cannot_be_unloaded(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.send("/web/deployments/unload", model="llmd-tiny")
    assert (await answer.json())["error"]["code"] == "model_not_loaded"


async def test_readers_see_deployments_and_begin_none(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    made = await visitor.accounts.keys.create(scopes=[Scope.MODELS_READ])
    await visitor.send("/login", key=made.secret)
    text = await (await visitor.open("/admin/deployments")).text()
    assert 'id="order"' not in text
    stamp = await visitor.stamp("/admin/deployments")
    assert (await visitor.send("/web/deployments", stamp, model_type="qwen3")).status == 403
    assert (await visitor.send("/web/deployments/unload", stamp, model="m")).status == 403


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_that_goes_on_is_shown_with_its_stages(bench: Bench, site: Site, language: str) -> None:
    stages = [Stage(name=StageName.PREPARATION, status=StageStatus.IN_PROGRESS, progress=40)]
    log = [LogLine(timestamp=1e9, level="warning", message=HOSTILE)]
    odd = job(model_id=HOSTILE, stages=stages, logs=log)
    latest = replace(BUSY, deployments=[odd, DEPLOYMENT])
    facts = deployments.under_way(bench.services, latest)
    text = site.render("admin/deployments_live.html", site.words[language], **facts)
    assert text.count("<article") == 2
    assert 'aria-current="step"' in text
    assert HOSTILE not in text


def test_an_older_look_at_the_same_deployment_is_the_same(bench: Bench, site: Site) -> None:
    texts = set()
    for later in (0.0, 1.0):
        now = job(updated_at=1.0 + later)
        stages = [replace(stage, spent=stage.spent + later) for stage in now.stages]
        latest = replace(BUSY, deployments=[replace(now, stages=stages)])
        facts = deployments.under_way(bench.services, latest)
        texts.add(site.render("admin/deployments_live.html", site.words["en"], **facts))
    assert len(texts) == 1


def test_what_the_list_depends_on_is_told(bench: Bench) -> None:
    assert deployments.standing(bench.services, BUSY) == {"ids": ["d1"], "loaded": []}


def test_an_order_is_repeated_as_it_was() -> None:
    config = DeploymentOptions(max_batch_size=4, use_flash_attention=False, cpu_offload=True)
    order = DeploymentOrder(model_type='q"<', model_size="8b", deployment_config=config)
    again = json.loads(deployments.repeat(job(order=order)))
    sent = {name: str(value) for name, value in again.items()}
    assert msgspec.convert(sent, deployments.Order, strict=False).native() == order
    assert deployments.ordered(job(order=order)) == 'q"< · 8b'


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_ended_ones_say_how_and_why(site: Site, status: str, language: str) -> None:
    over = job(
        model_id=HOSTILE,
        status=status,
        error=Fault(code="no_room", message=HOSTILE, hint="Wait."),
        order=DeploymentOrder(model_type=HOSTILE),
    )
    text = site.render(
        "admin/deployments_ended.html",
        site.words[language],
        ended=[over],
        loaded={HOSTILE} if status == "completed" else set(),
        following=20,
        first=True,
        repeat=deployments.repeat,
        ordered=deployments.ordered,
        may=frozenset(Scope),
        Scope=Scope,
    )
    assert HOSTILE not in text
    assert "Wait." in text
    assert "/web/deployments?skip=20" in text
