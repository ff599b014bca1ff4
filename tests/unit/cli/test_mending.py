from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

import pytest

from llmd.cli import checks, mending
from llmd.cli.checks import Finding, State
from llmd.config.paths import Paths
from llmd.errors import LlmdError
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def stale(paths: Paths) -> Path:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(paths.socket))
    return paths.socket


def test_a_sound_home_needs_nothing(paths: Paths) -> None:
    assert list(mending.mend(paths)) == []


def test_a_socket_that_nobody_listens_on_goes(paths: Paths) -> None:
    path = stale(paths)
    (said,) = mending.mend_socket(paths)
    assert not path.exists()
    assert said == f"{path} was left over from a daemon that died and is removed."


def test_the_socket_of_a_daemon_that_hangs_stays(paths: Paths) -> None:
    path = stale(paths)
    paths.state_dir.mkdir()
    paths.lock_file.write_text(f"{os.getpid()}\n")
    path.chmod(0o600)
    path.parent.chmod(0o700)
    assert list(mending.mend_socket(paths)) == []
    assert path.exists()


def test_a_file_in_the_place_of_the_socket_is_not_touched(paths: Paths) -> None:
    paths.socket.write_text("precious")
    assert list(mending.mend_socket(paths)) == []
    assert paths.socket.read_text() == "precious"


def test_a_socket_open_to_others_is_closed_with_its_directory(
    daemon: FakeDaemon, paths: Paths
) -> None:
    paths.socket.chmod(0o666)
    paths.socket.parent.chmod(0o755)
    assert len(list(mending.mend_socket(paths))) == 2
    assert (mode(paths.socket), mode(paths.socket.parent)) == (0o600, 0o700)
    assert checks.check_socket(paths).state is State.OK


def test_a_directory_that_is_not_llmds_is_never_closed(paths: Paths) -> None:
    shared = paths.socket.parent / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    elsewhere = paths._replace(socket=shared / "s")
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(elsewhere.socket))
        alive.listen()
        elsewhere.socket.chmod(0o600)
        assert list(mending.mend_socket(elsewhere)) == []
        assert mode(shared) == 0o755
        assert checks.check_socket(elsewhere).state is State.OK


def test_directories_can_be_written_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.data_dir.mkdir()
    paths.data_dir.chmod(0o500)
    # root may write anywhere, so what the system would say to others is said here
    monkeypatch.setattr(os, "access", lambda path, _: mode(Path(path)) & 0o200 != 0)
    (said,) = mending.mend_directories(paths)
    assert said == f"{paths.data_dir} can be written again."
    assert mode(paths.data_dir) == 0o700


def test_broken_off_changes_of_settings_are_cleared(paths: Paths) -> None:
    paths.config_dir.mkdir()
    old, new = paths.config_dir / "config.tomlab12_xyz", paths.config_dir / "config.tomlabcdefgh"
    kept = paths.config_dir / "config.toml.backup"
    for file in (old, new, kept, paths.config_file):
        file.write_text("")
    for file in (old, kept):
        os.utime(file, (time.time() - 3600,) * 2)
    (said,) = mending.mend_settings_directory(paths)
    assert str(old) in said
    assert {file.name for file in paths.config_dir.iterdir()} == {
        new.name,
        kept.name,
        "config.toml",
    }


def test_a_running_daemon_clears_what_was_left(daemon: FakeDaemon, paths: Paths) -> None:
    daemon.cleared = {"pieces": [{"path": "/m/x.part", "why": "abandoned", "size": 5}], "held": []}
    assert list(mending.mend_leftovers(paths)) == ["/m/x.part is removed: abandoned."]
    daemon.failures["/control/gc"] = LlmdError("The disk is full.")
    assert list(mending.mend_leftovers(paths)) == ["Left files are not cleared: The disk is full."]


def test_the_doctor_mends_first_and_looks_then(
    llmd: Llmd, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "run_checks", lambda _: iter([Finding("x", State.OK, "fine")]))
    path = stale(paths)
    assert "fixed" not in llmd("doctor").out
    assert path.exists()
    out = llmd("doctor", "--fix").out
    assert out.startswith(f"fixed {path} was left over")
    assert out.endswith("ok    x: fine\n")
    result = llmd("doctor", "--fix", "--json").json
    assert result == {
        "fixed": [],
        "checks": [{"subject": "x", "state": "ok", "found": "fine", "mend": ""}],
    }
