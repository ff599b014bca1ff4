from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmd.client import autostart
from llmd.client.client import Client
from llmd.client.connection import listening
from llmd.config.paths import Paths, find_paths
from llmd.errors import DaemonUnreachable
from tests.fakes.daemon import FakeDaemon

COMMAND = [sys.executable, "-m", "llmd"]


@pytest.fixture
def paths(tmp_path: Path, socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A fresh home; whatever daemon was started in it is stopped."""
    for name in [name for name in os.environ if name.startswith("LLMD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LLMD_HOME", str(tmp_path))
    monkeypatch.setenv("LLMD_SOCKET", str(socket_path))
    monkeypatch.setenv("LLMD_PORT", "0")
    paths = find_paths()
    yield paths
    if listening(socket_path) and paths.lock_file.exists():
        subprocess.run([*COMMAND, "stop", "--now"], check=True, capture_output=True)


def test_the_environment_may_forbid_it() -> None:
    assert autostart.forbidden({"LLMD_NO_AUTOSTART": "1"})
    assert not autostart.forbidden({"LLMD_NO_AUTOSTART": "0"})
    assert not autostart.forbidden({})


def test_a_daemon_that_is_there_is_left_alone(daemon: FakeDaemon, paths: Paths) -> None:
    assert autostart.ensure(paths) is False
    assert daemon.asked == []


def test_starts_a_daemon_and_waits_until_it_is_ready(paths: Paths) -> None:
    assert autostart.ensure(paths) is True
    assert Client(paths.socket).get("/control/status")["address"].startswith("http://127.0.0.1:")


def test_commands_that_start_together_end_with_one_daemon(paths: Paths) -> None:
    def status() -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, "start"], capture_output=True, text=True, check=True)

    with ThreadPoolExecutor(3) as threads:
        answers = [future.result() for future in [threads.submit(status) for _ in range(3)]]
    assert len({answer.stdout.rpartition("process ")[2] for answer in answers}) == 1
    assert (
        paths.lock_file.read_text().split()[0]
        == answers[0].stdout.rpartition("process ")[2].strip()
    )


def test_a_daemon_that_cannot_start_has_its_last_words_shown(paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("[server]\nport = 'many'\n")
    with pytest.raises(DaemonUnreachable, match=r"could not start.*server\.port is 'many'"):
        autostart.ensure(paths)


def test_a_turn_that_never_comes_is_given_up(paths: Paths) -> None:
    paths.state_dir.mkdir()
    with (paths.state_dir / "autostart.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DaemonUnreachable, match="for too long"):
            autostart.ensure(paths, patience=0.05)


def test_a_start_that_loses_against_another_waits_for_the_winner(paths: Paths) -> None:
    paths.lock_file.parent.mkdir(parents=True, exist_ok=True)
    paths.lock_file.write_text(f"{os.getpid()} 0\n")
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    child.wait()
    with pytest.raises(DaemonUnreachable, match="did not get ready in time"):
        autostart._await(paths, child, deadline=0)
    paths.lock_file.write_text("99999999 0\n")
    autostart.startup_log(paths).parent.mkdir(parents=True)
    autostart.startup_log(paths).write_text("Error: The port is taken.\n")
    with pytest.raises(DaemonUnreachable, match=r"could not start\. The port is taken\."):
        autostart._await(paths, child, deadline=0)


def test_relative_paths_reach_the_daemon_as_absolute_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changed = autostart._absolute(
        {"LLMD_HOME": "home", "PYTHONPATH": f"a{os.pathsep}/b", "PATH": "bin"}
    )
    assert changed == {
        "LLMD_HOME": str(tmp_path / "home"),
        "PYTHONPATH": f"{tmp_path}/a{os.pathsep}/b",
        "PATH": "bin",
    }
