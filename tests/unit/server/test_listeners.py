from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from llmd.config.grpc import GrpcSettings
from llmd.config.paths import Paths, find_paths
from llmd.config.settings import ServerSettings
from llmd.errors import AlreadyRunning, ConfigInvalid
from llmd.server.activation import Inherited
from llmd.server.listeners import Listeners, bind_unix
from tests.unit.services.conftest import Bench


def bound(path: Path) -> socket.socket:
    return bind_unix(path, private=False)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_stale_socket_is_replaced_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s"
    bound(path).close()  # left behind, as after a kill
    with bound(path):
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_a_living_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(os.fspath(path))
        alive.listen()
        with pytest.raises(AlreadyRunning):
            bound(path)


def test_a_file_in_the_place_of_the_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("precious")
    with pytest.raises(ConfigInvalid, match="is no socket"):
        bound(path)
    assert path.read_text() == "precious"


def test_a_path_that_cannot_be_bound_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be made"):
        bound(tmp_path / ("x" * 150))


def test_a_directory_of_llmds_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with bind_unix(tmp_path / "s", private=True):
        assert mode(tmp_path) == 0o700


@pytest.mark.parametrize("open_to_others", [0o755, 0o1777])
def test_a_directory_that_others_use_too_stays_open(tmp_path: Path, open_to_others: int) -> None:
    tmp_path.chmod(open_to_others)
    with bound(tmp_path / "s"):
        assert (mode(tmp_path), mode(tmp_path / "s")) == (open_to_others, 0o600)


def test_a_directory_in_which_others_could_replace_the_socket_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigInvalid, match="Every user may replace files"):
        bound(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def paths_at(path: Path) -> Paths:
    return find_paths({"LLMD_SOCKET": os.fspath(path)})


async def test_grpc_is_listened_for_where_it_is_enabled(bench: Bench, tmp_path: Path) -> None:
    listeners = Listeners(bench.services, ServerSettings(port=0), paths_at(tmp_path / "s"))
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
    listeners = Listeners(bench.services, ServerSettings(port=0), paths_at(tmp_path / "own"), given)
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
        bench.services,
        ServerSettings(port=0),
        paths_at(tmp_path / "own"),
        Inherited(unix=(control,)),
    )
    await listeners.start()
    host, _, port = listeners.address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10):
        pass
    await listeners.stop()
