from __future__ import annotations

import os
import subprocess
import sys

import pytest

from llmd import daemon as composition
from llmd.cli import serve
from llmd.config.paths import Paths
from llmd.errors import AlreadyRunning, LlmdError
from tests.fakes.daemon import LOADED, FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_serve_runs_the_daemon_with_its_flags(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str | None, int | None]] = []

    def main(host: str | None, port: int | None) -> int:
        asked.append((host, port))
        return 0

    monkeypatch.setattr(composition, "main", main)
    assert llmd("serve", "--host", "::1", "--port", "0").code == 0
    assert asked == [("::1", 0)]


def test_serve_says_who_runs_already(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(_host: str | None, _port: int | None) -> int:
        raise AlreadyRunning("A daemon is running already, process 7.", hint="`llmd stop` ends it.")

    monkeypatch.setattr(composition, "main", main)
    assert llmd("serve") == (
        1,
        "",
        "Error: A daemon is running already, process 7. `llmd stop` ends it.\n",
    )


@pytest.mark.usefixtures("daemon")
def test_start_finds_a_daemon_that_runs(llmd: Llmd) -> None:
    out = f"llmd was already running at http://127.0.0.1:8000, process {os.getpid()}\n"
    assert llmd("start", "--port", "9") == (0, out, "")


@pytest.mark.usefixtures("daemon")
def test_start_wakes_a_daemon_that_systemd_listens_for(
    llmd: Llmd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.client.sleep.asleep", lambda _paths: True)
    out = f"llmd is running at http://127.0.0.1:8000, process {os.getpid()}\n"
    assert llmd("start") == (0, out, "")


def test_status_shows_the_daemon(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.loaded = [LOADED]
    out = llmd("status").out
    assert f"running, process {os.getpid()}, for 1 h 1 min" in out
    assert "http://127.0.0.1:8000/v1" in out
    assert "1 on disk, 1 loaded" in out
    assert "gRPC" not in out
    assert "llmd-tiny   ready" in out
    assert llmd("status", "--json").json["pid"] == os.getpid()


def test_status_shows_where_grpc_is_listened_for(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/status"] = {**daemon.status(), "grpc": "127.0.0.1:50051"}
    assert "127.0.0.1:50051" in llmd("status").out


def test_status_of_nothing_is_3(llmd: Llmd, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    assert llmd("status").code == 3
    result = llmd("status", "--json")
    assert (result.code, result.json) == (3, {"state": "stopped"})
    assert not paths.socket.exists()


def test_stopping_nothing_is_fine(llmd: Llmd) -> None:
    assert llmd("stop") == (0, "llmd is not running\n", "")


@pytest.mark.parametrize(("flags", "mode"), [([], "drain"), (["--now"], "now")])
def test_stop_asks_and_waits_for_the_process_to_end(
    llmd: Llmd, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, flags: list[str], mode: str
) -> None:
    alive = iter([True, True, False])
    monkeypatch.setattr(serve, "_alive", lambda _pid: next(alive))
    assert llmd("stop", *flags).out == f"llmd has stopped, process {os.getpid()}\n"
    assert daemon.body("/control/stop") == {"mode": mode}
    assert not list(alive)


def test_a_daemon_that_never_ends_is_reported() -> None:
    with pytest.raises(LlmdError, match="does not end"):
        list(serve._until_gone(os.getpid(), patience=0))


def test_a_zombie_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.read()
        assert list(serve._until_gone(child.pid, patience=10)) is not None
        assert not serve._alive(child.pid)


def test_waiting_lasts_as_long_as_the_settings_let_answers_run(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert serve._patience() == 30 + serve._BEYOND_DRAIN
    monkeypatch.setenv("LLMD_SERVER_DRAIN_TIMEOUT", "-1")
    assert serve._patience() == float("inf")
    paths.config_dir.mkdir()
    paths.config_file.write_text("broken")
    assert serve._patience() == serve._BEYOND_DRAIN


def test_a_real_daemon_starts_restarts_and_stops(
    llmd: Llmd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMD_PORT", "0")
    started = llmd("start")
    restarted = llmd("restart")
    stopped = llmd("stop")
    assert "llmd is running at http://127.0.0.1:" in started.out
    assert "llmd is running at http://127.0.0.1:" in restarted.out
    assert started.out.split()[-1] != restarted.out.split()[-1]
    assert stopped.out == f"llmd has stopped, process {restarted.out.split()[-1]}\n"
