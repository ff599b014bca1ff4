from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.errors import ConfigInvalid
from llmd.server.activation import Inherited, address_of, inherited

FIRST = 200
"""Far from what pytest has open."""


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[list[socket.socket]]:
    """A Unix and two TCP sockets, also at the descriptors from FIRST on."""
    made = [
        socket.socket(family, socket.SOCK_STREAM)
        for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET)
    ]
    made[0].bind(str(tmp_path / "s"))
    made[1].bind(("127.0.0.1", 0))
    made[2].bind(("0.0.0.0", 0))
    for number, one in enumerate(made):
        one.listen()
        os.dup2(one.fileno(), FIRST + number, inheritable=True)
    yield made
    for one in made:
        one.close()


def close(given: Inherited) -> None:
    for one in (*given.unix, *given.tcp):
        one.close()


def environment(number: int) -> dict[str, str]:
    names = ":".join(["llmd.socket"] * number)
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(number), "LISTEN_FDNAMES": names}


def test_sockets_are_told_apart_by_their_family(
    handed: list[socket.socket], tmp_path: Path
) -> None:
    environ = environment(3)
    given = inherited(environ, FIRST)
    assert [one.fileno() for one in given.unix] == [FIRST]
    assert [one.fileno() for one in given.tcp] == [FIRST + 1, FIRST + 2]
    assert given.path == str(tmp_path / "s")
    assert environ == {}, "workers must not take them for theirs"
    assert not any(os.get_inheritable(one.fileno()) for one in (*given.unix, *given.tcp))
    close(given)


def test_the_address_is_the_one_that_most_can_reach(handed: list[socket.socket]) -> None:
    given = inherited(environment(3), FIRST)
    assert given.address == ("0.0.0.0", address_of(handed[2])[1])
    close(given)


def test_nothing_was_handed_over() -> None:
    given = inherited({})
    assert given == Inherited()
    assert (given.address, given.path) == (None, "")


def test_sockets_of_another_process_are_left_alone() -> None:
    environ = {**environment(1), "LISTEN_PID": str(os.getpid() + 1)}
    assert inherited(environ, FIRST) == Inherited()
    assert environ == {}


def test_a_number_that_is_none_is_passed_over() -> None:
    assert inherited({**environment(1), "LISTEN_FDS": "many"}) == Inherited()


def test_a_file_is_no_listening_socket(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        os.dup2(file.fileno(), FIRST)
    with pytest.raises(ConfigInvalid, match=f"descriptor {FIRST}"):
        inherited(environment(1), FIRST)
    os.close(FIRST)


def test_a_descriptor_that_is_not_open_is_a_clear_error() -> None:
    with pytest.raises(ConfigInvalid, match="no listening socket"):
        inherited(environment(1), FIRST + 50)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_does_not_listen_is_a_clear_error(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as idle:
        os.dup2(idle.fileno(), FIRST)
    with pytest.raises(ConfigInvalid, match="Accept=no"):
        inherited(environment(1), FIRST)
    os.close(FIRST)
