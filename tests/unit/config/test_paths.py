from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.config.paths import find_paths


def test_llmd_home_holds_everything(tmp_path: Path) -> None:
    paths = find_paths({"LLMD_HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/1"})
    assert paths.config_file == tmp_path / "config" / "config.toml"
    assert paths.models_dir == tmp_path / "data" / "models"
    assert paths.lock_file == tmp_path / "state" / "daemon.lock"
    assert paths.log_file == tmp_path / "state" / "logs" / "daemon.log"
    assert paths.history_file == tmp_path / "state" / "chat_history"
    assert paths.cache_dir == tmp_path / "cache"
    assert tmp_path in paths.socket.parents or str(paths.socket).startswith("/tmp/llmd-")


def test_home_may_be_relative_or_start_with_a_tilde(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert find_paths({"LLMD_HOME": "here"}).data_dir == tmp_path / "here" / "data"
    assert find_paths({"LLMD_HOME": "~/llmd"}).data_dir == Path("/home/somebody/llmd/data")


def test_the_socket_lies_in_the_runtime_directory() -> None:
    assert find_paths({"XDG_RUNTIME_DIR": "/run/user/7"}).socket == Path(
        "/run/user/7/llmd/llmd.sock"
    )


def test_the_socket_lies_in_the_state_directory_without_a_runtime_one() -> None:
    paths = find_paths({"LLMD_HOME": "/srv/llmd"})
    assert paths.socket == Path("/srv/llmd/state/run/llmd.sock")


def test_llmd_socket_comes_first() -> None:
    environ = {"LLMD_SOCKET": "/srv/x.sock", "LLMD_HOME": "/srv", "XDG_RUNTIME_DIR": "/run/user/7"}
    assert find_paths(environ).socket == Path("/srv/x.sock")


def test_a_home_too_deep_for_a_socket_name_gets_a_short_one_of_its_own() -> None:
    deep, deeper = "/srv/" + "x" * 120, "/srv/" + "y" * 120
    socket = find_paths({"LLMD_HOME": deep}).socket
    assert len(os.fsencode(socket)) <= 103
    assert str(os.getuid()) in str(socket)
    assert find_paths({"LLMD_HOME": deep}).socket == socket
    assert find_paths({"LLMD_HOME": deeper}).socket != socket


def test_the_directory_of_the_socket_may_be_llmds_or_shared() -> None:
    assert find_paths({"XDG_RUNTIME_DIR": "/run/user/7"}).socket_dir_is_ours
    assert find_paths({"LLMD_HOME": "/srv/it"}).socket_dir_is_ours
    assert find_paths({"LLMD_HOME": "/srv/" + "x" * 120}).socket_dir_is_ours
    assert find_paths({"LLMD_SOCKET": "/run/llmd/llmd.sock"}).socket_dir_is_ours
    assert not find_paths({"LLMD_SOCKET": "/tmp/llmd.sock"}).socket_dir_is_ours


def test_asking_creates_nothing(tmp_path: Path) -> None:
    find_paths({"LLMD_HOME": str(tmp_path / "new")})
    assert list(tmp_path.iterdir()) == []


def test_the_process_environment_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLMD_HOME", str(tmp_path))
    assert find_paths().data_dir == tmp_path / "data"
