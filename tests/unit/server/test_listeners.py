from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from llmd.config.grpc import GrpcSettings
from llmd.config.settings import ServerSettings
from llmd.errors import AlreadyRunning, ConfigInvalid
from llmd.server.activation import Inherited
from llmd.server.listeners import Listeners, bind_unix
from tests.unit.services.conftest import Bench


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


async def test_grpc_is_listened_for_where_it_is_enabled(bench: Bench, tmp_path: Path) -> None:
    listeners = Listeners(bench.services, ServerSettings(port=0), tmp_path / "s")
    await listeners.start_grpc(GrpcSettings(port=0))
    assert listeners.grpc == ""
    await listeners.drain()
    await listeners.start_grpc(GrpcSettings(enabled=True, port=0))
    host, _, port = listeners.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10):
        pass
    await listeners.drain()
    await listeners.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)


async def test_sockets_that_were_handed_over_are_listened_on_and_left_in_place(
    bench: Bench, tmp_path: Path
) -> None:
    control, tcp = socket.socket(socket.AF_UNIX), socket.socket()
    control.bind(os.fspath(tmp_path / "given"))
    tcp.bind(("127.0.0.1", 0))
    address = tcp.getsockname()
    given = Inherited(unix=(control,), tcp=(tcp,))
    listeners = Listeners(bench.services, ServerSettings(port=0), tmp_path / "own", given)
    await listeners.start()
    assert listeners.address == f"http://127.0.0.1:{address[1]}"
    assert listeners.control == str(tmp_path / "given")
    assert not (tmp_path / "own").exists()
    for family, where in ((socket.AF_UNIX, str(tmp_path / "given")), (socket.AF_INET, address)):
        with socket.socket(family) as client:
            client.connect(where)
    await listeners.stop()
    assert (tmp_path / "given").exists(), "it belongs to whoever made it"


async def test_what_was_not_handed_over_is_opened(bench: Bench, tmp_path: Path) -> None:
    control = socket.socket(socket.AF_UNIX)
    control.bind(os.fspath(tmp_path / "given"))
    listeners = Listeners(
        bench.services, ServerSettings(port=0), tmp_path / "own", Inherited(unix=(control,))
    )
    await listeners.start()
    host, _, port = listeners.address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10):
        pass
    await listeners.stop()
