from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from llmd.config.settings import AuthMode
from llmd.protocol.callers import Role, Scope
from llmd.protocol.feed import History, MachineLoad, ModelHistory, Snapshot
from llmd.protocol.integrity import DiskRoom
from llmd.protocol.models import LoadFailure
from llmd.protocol.placement import DeviceUse, Parts
from llmd.server.web.pages import Site
from llmd.server.web.routes import overview
from tests.fakes.snapshots import GB, MB, loaded, snapshot
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench

replace = msgspec.structs.replace
HOSTILE = '<img src=x onerror="x">'


def warned(bench: Bench, latest: Snapshot, **status: object) -> Mapping[str, Any]:
    told = replace(latest, status=replace(latest.status, **status))
    return overview.warnings(bench.services, told)


def filled(site: Site, bench: Bench, latest: Snapshot, part: str, language: str = "en") -> str:
    facts = {
        **overview.warnings(bench.services, latest),
        **overview.live(bench.services, latest),
    }
    return site.render(f"admin/overview_{part}.html", site.words[language], **facts)


async def test_the_page_comes_filled(connect: Connect) -> None:
    answer = await Visitor(await connect(tcp=True)).open("/admin")
    assert answer.status == 200
    text = await answer.text()
    assert "No model is loaded" in text
    assert "vendor/uPlot.iife.min.js" in text
    for region in overview.REGIONS:
        assert region.template == "" or f'data-region="{region.name}"' in text


async def test_who_may_see_figures_sees_no_paths_of_the_machine(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    made = await visitor.accounts.keys.create(scopes=[Scope.METRICS, Scope.MODELS_READ])
    await visitor.send("/login", key=made.secret)
    text = await (await visitor.open("/admin")).text()
    assert "Machine" in text
    assert str(visitor.guarded.bench.paths.log_file) not in text
    assert ">Socket<" not in text
    assert "/admin/users" not in text


async def test_a_user_without_the_right_is_told_so(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("ann", Role.USER)
    answer = await visitor.open("/admin")
    assert answer.status == 403
    assert "figures" not in await answer.text()


def test_charts_begin_with_what_is_remembered_and_get_its_last_moment(bench: Bench) -> None:
    past = ModelHistory(
        generated=[1.0, 2.0],
        read=[3.0, 4.0],
        first_token=[None, 0.5],
        running=[0, 1],
        waiting=[0, 2],
        kv_used=[10, 20],
    )
    history = History(moments=[1.0, 2.0], cpu=[5.0, 6.0], memory_used=[7, 8], models={"m": past})
    latest = replace(
        snapshot(),
        at=2.0,
        machine=MachineLoad(cpu=6.04, memory_used=8, memory_total=16),
        history=history,
    )
    begun = json.loads(msgspec.json.encode(overview.past(bench.services, latest)))
    assert begun["history"]["models"]["m"]["generated"] == [1.0, 2.0]
    assert begun["cells"] == {model.name: model.kv_tokens for model in latest.models}
    assert overview.figures(bench.services, latest) == {
        "at": 2.0,
        "cpu": 6.0,
        "memory_used": 8,
        "memory_total": 16,
        "cells": begun["cells"],
        "models": {
            "m": {
                "generated": 2.0,
                "read": 4.0,
                "first_token": 0.5,
                "running": 1,
                "waiting": 2,
                "kv_used": 20,
            }
        },
    }
    (once,) = [region for region in overview.REGIONS if region.once]
    assert once.name == "overview-past"


def test_a_daemon_that_is_well_warns_of_nothing(bench: Bench, site: Site) -> None:
    latest = snapshot()
    told = overview.warnings(bench.services, latest)
    assert not any(told.values())
    assert filled(site, bench, latest, "warnings").strip() == ""


@pytest.mark.parametrize(
    ("address", "security", "exposed"),
    [
        ("http://127.0.0.1:8000", "open", False),
        ("http://[::1]:8000", "open", False),
        ("http://0.0.0.0:8000", "open", True),
        ("http://192.168.1.2:8000", "open", True),
        ("http://0.0.0.0:8000", "keys", False),
        ("", "open", False),
    ],
)
def test_a_daemon_that_is_open_to_others_says_so(
    bench: Bench, address: str, security: str, *, exposed: bool
) -> None:
    assert warned(bench, snapshot(), address=address, security=security)["exposed"] is exposed


def test_what_is_wrong_is_told(bench: Bench, site: Site) -> None:
    failure = LoadFailure(model=HOSTILE, at=1e9, code="no_room", message="No <b>.", hint="Wait.")
    latest = snapshot()
    latest = replace(
        latest,
        status=replace(latest.status, state="draining", failures=[failure]),
        machine=MachineLoad(
            memory_used=99 * GB, memory_total=100 * GB, disk=DiskRoom(free=GB, total=90 * GB)
        ),
    )
    for language in ("en", "zh"):
        text = filled(site, bench, latest, "warnings", language)
        assert text.count('class="warning') == 4
        assert "1.0 GB" in text
        assert "No &lt;b&gt;. " in text
        assert HOSTILE not in text


def test_an_unknown_or_roomy_disk_is_no_warning(bench: Bench) -> None:
    for disk in (DiskRoom(), DiskRoom(free=100 * GB, total=200 * GB)):
        latest = replace(snapshot(), machine=MachineLoad(memory_total=GB, disk=disk))
        assert overview.warnings(bench.services, latest)["disk_left"] is None


def test_models_are_shown_with_what_was_predicted_and_measured(bench: Bench, site: Site) -> None:
    latest = snapshot()
    for language in ("en", "zh"):
        text = filled(site, bench, latest, "models", language)
        assert "CUDA0" in text
        assert "6.5 GB" in text, "predicted"
        assert "6.4 GB" in text, "measured"
        assert "100 MB" in text, "the difference"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "loading", "progress": 0.4},
        {"state": "waiting", "waiting": 3, "measured": []},
        {"state": "unloading"},
        {"instances": 2, "pinned": True},
        {"expires_in": None},
        {"predicted": [], "measured": []},
        {"parallel": 0, "kv_tokens": 0},
        {"kind": "embedding"},
        {"kind": "rerank"},
        {"name": HOSTILE, "device": HOSTILE},
    ],
)
def test_models_are_shown_in_whatever_state_they_are(
    bench: Bench, site: Site, change: dict[str, Any]
) -> None:
    model = msgspec.convert(msgspec.to_builtins(loaded()) | change, type(loaded()))
    latest = snapshot()
    latest = replace(latest, status=replace(latest.status, loaded=[model] * 8))
    text = filled(site, bench, latest, "models")
    assert text.count('<article class="model">') == 8
    assert HOSTILE not in text


def test_an_idle_moment_changes_nothing_that_is_sent(bench: Bench, site: Site) -> None:
    """Ages are counted in the browser."""
    latest = snapshot()
    model = replace(loaded(), expires_in=212.3, running=0)
    before = replace(latest, status=replace(latest.status, loaded=[model]))
    later = replace(model, expires_in=211.3)
    after = replace(latest, at=latest.at + 1, status=replace(latest.status, loaded=[later]))
    for part in ("models", "work", "machine", "daemon", "warnings"):
        assert filled(site, bench, before, part) == filled(site, bench, after, part)


def test_pieces_of_a_bar_add_up_to_its_share() -> None:
    bytes_ = Parts(weights=300 * MB, kv_cache=100 * MB)
    assert overview.pieces(bytes_) == [("weights", 300 * MB), ("kv_cache", 100 * MB)]
    assert overview.shares(bytes_, 800 * MB) == [(0.375, "p-weights"), (0.125, "p-kv_cache")]
    assert overview.shares(bytes_, 0) == [(0.0, "p-weights"), (0.0, "p-kv_cache")]


def test_parts_are_told_with_what_was_predicted_where_that_differs() -> None:
    planned = DeviceUse(device="CPU", parts=Parts(weights=100, kv_cache=50, caches=600))
    taken = DeviceUse(device="CPU", parts=Parts(weights=101, kv_cache=40))
    assert overview.compared(planned, taken) == [
        ("weights", 101, None),
        ("kv_cache", 40, 50),
        ("caches", 0, 600),
    ]
    assert overview.compared(planned, None)[0] == ("weights", 100, None)
    assert overview.compared(None, taken) == [("weights", 101, None), ("kv_cache", 40, None)]
