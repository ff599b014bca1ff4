from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from llmd.errors import AlreadyRunning, ConfigInvalid
from llmd.server.listeners import bind_unix


def test_a_stale_socket_is_replaced_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s"
    bind_unix(path).close()  # left behind, as after a kill
    with bind_unix(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_living_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(os.fspath(path))
        alive.listen()
        with pytest.raises(AlreadyRunning):
            bind_unix(path)


def test_a_path_that_cannot_be_bound_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be made"):
        bind_unix(tmp_path / ("x" * 150))


def test_a_directory_open_to_others_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    with bind_unix(folder / "s"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
