from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.client import sleep
from llmd.client.sleep import asleep, runs, units_dir
from llmd.config.paths import Paths, find_paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = find_paths({"LLMD_HOME": str(tmp_path / "home")})
    paths.lock_file.parent.mkdir(parents=True)
    return paths


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which the socket is enabled for this user alone."""
    monkeypatch.setattr(sleep, "_SYSTEM_WIDE", tmp_path / "etc")
    found = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    enabled = units_dir(found) / "sockets.target.wants" / "llmd.socket"
    enabled.parent.mkdir(parents=True)
    enabled.symlink_to("../llmd.socket")
    return found


def test_an_enabled_socket_without_a_process_is_a_daemon_that_sleeps(
    paths: Paths, environ: dict[str, str]
) -> None:
    assert asleep(paths, environ)
    paths.lock_file.write_text("99999999 0\n", encoding="ascii")
    assert asleep(paths, environ), "its process is gone"


def test_a_daemon_that_runs_is_awake(paths: Paths, environ: dict[str, str]) -> None:
    paths.lock_file.write_text(f"{os.getpid()} 0\n", encoding="ascii")
    assert not asleep(paths, environ)


def test_a_socket_may_be_enabled_for_all_users(
    paths: Paths, environ: dict[str, str], tmp_path: Path
) -> None:
    for_all = tmp_path / "etc" / "sockets.target.wants" / "llmd.socket"
    for_all.parent.mkdir(parents=True)
    for_all.symlink_to("/usr/lib/systemd/user/llmd.socket")
    assert asleep(paths, {"XDG_CONFIG_HOME": str(tmp_path / "nothing")})


def test_nothing_sleeps_without_systemd(paths: Paths, environ: dict[str, str]) -> None:
    assert not asleep(paths, {"XDG_CONFIG_HOME": "/nowhere"})


@pytest.mark.parametrize("text", ["", "x 0\n"])
def test_a_lock_that_names_nobody_is_free(paths: Paths, text: str) -> None:
    assert not runs(paths), "there is no file"
    paths.lock_file.write_text(text, encoding="ascii")
    assert not runs(paths)


def test_the_process_of_another_user_is_there(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    paths.lock_file.write_text("1 0\n", encoding="ascii")
    monkeypatch.setattr(os, "kill", refuse)
    assert runs(paths)


def test_units_lie_where_systemd_looks() -> None:
    assert units_dir({}) == Path.home() / ".config" / "systemd" / "user"
