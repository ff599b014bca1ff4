from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.fakes.daemon import LOADED, FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_ps_lists_what_is_loaded(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.loaded = [
        LOADED,
        {**LOADED, "name": "big", "state": "loading", "progress": 0.42, "expires_in": None},
    ]
    _, first, second = llmd("ps").out.splitlines()
    assert first.split() == "llmd-tiny ready CPU 130 MB 2048 x 16 0 4242 5 min".split()
    assert "loading 42%" in second
    assert second.rstrip().endswith("never")
    assert llmd("ps", "--json").json == {"models": daemon.loaded}


def test_ps_shows_what_the_engine_does(llmd: Llmd, daemon: FakeDaemon) -> None:
    now = {"waiting": 2, "kv_used": 512, "generated_per_second": 41.6}
    daemon.loaded = [{**LOADED, "running": 5, "kv_tokens": 2048, "activity": now}]
    row = llmd("ps").out.splitlines()[1]
    assert row.split()[8:14] == ["25%", "3+2", "waiting", "42", "t/s", "4242"]
    daemon.loaded = [{**LOADED, "running": 1, "kv_tokens": 2048, "activity": now}]
    assert "0+1 waiting" in llmd("ps").out, "there are no more of them than there are requests"


def test_load_says_where_and_how_long(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("load", "llmd-tiny").out == "llmd-tiny is loaded on CPU in 0.5 s\n"
    assert daemon.body("/control/load") == {"model": "llmd-tiny"}


def test_load_takes_a_quantisation(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("load", "llmd-tiny", "--quantization", "q4_0").code == 0
    assert daemon.body("/control/load")["quantization"] == "q4_0"


@pytest.mark.usefixtures("daemon")
def test_load_as_json_is_ndjson(llmd: Llmd) -> None:
    lines = llmd("load", "--json").out.splitlines()
    assert [msgspec.json.decode(line)["status"] for line in lines] == ["loading", "ready"]


def test_load_passes_on_what_is_said_about_loading(llmd: Llmd, daemon: FakeDaemon) -> None:
    said = "load llmd-tiny --ctx 4096 --kv-type q8_0 --keep-alive 10m --pin --instances 2 --cpu"
    assert llmd(*said.split()).code == 0
    assert daemon.body("/control/load") == {
        "model": "llmd-tiny",
        "options": {
            "context_length": 4096,
            "kv_type": "q8_0",
            "prefer_gpu": False,
            "keep_alive": 600.0,
            "pinned": True,
            "instances": 2,
        },
    }


def test_ps_tells_of_several_workers_pins_and_those_who_wait_for_room(
    llmd: Llmd, daemon: FakeDaemon
) -> None:
    daemon.loaded = [
        {**LOADED, "instances": 3, "pinned": True},
        {**LOADED, "name": "next", "state": "waiting", "waiting": 4, "pid": 0},
    ]
    _, first, second = llmd("ps").out.splitlines()
    assert first.startswith("llmd-tiny x3 ")
    assert first.rstrip().endswith("pinned")
    assert second.rstrip().endswith("4 wait for room")


def test_unload_names_what_went(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("unload").out == "unloaded llmd-tiny\n"
    assert llmd("unload", "--all", "--force").code == 0
    assert daemon.body("/control/unload") == {"model": None, "all": True, "force": True}


def test_unload_starts_no_daemon(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    assert llmd("unload").code == 3


def test_unloading_tells_programs_what_went(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("unload", "llmd-tiny", "--json").json == {"unloaded": ["llmd-tiny"]}


def test_ps_in_80_columns_shows_names_and_states_whole(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_columns: Callable[[int], None],
) -> None:
    pretend_columns(80)
    daemon.loaded = [LOADED, {**LOADED, "name": "an-owner/a-repository-GGUF:Q4_K_M"}]
    result = llmd("ps")
    head, *rows = result.out.splitlines()
    assert head.split()[:4] == ["NAME", "STATE", "DEVICE", "MEMORY"]
    assert [row.split()[0] for row in rows] == [one["name"] for one in daemon.loaded]
    assert "ready" in rows[1]
    assert "PID" in result.err
