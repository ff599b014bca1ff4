from __future__ import annotations

import http.client
import socket
from pathlib import Path

import pytest

from llmd.client.connection import UnixConnection, listening, unreachable
from llmd.errors import DaemonUnreachable
from tests.fakes.daemon import FakeDaemon


def test_speaks_http_over_the_socket(daemon: FakeDaemon) -> None:
    connection = UnixConnection(daemon.path, timeout=5)
    connection.request("GET", "/control/ps")
    assert connection.getresponse().read() == b'{"models": []}'
    connection.close()


def test_tells_whether_anybody_listens(daemon: FakeDaemon) -> None:
    assert listening(daemon.path)


def test_nobody_listens_on_a_missing_or_stale_socket(socket_path: Path) -> None:
    assert not listening(socket_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    assert socket_path.exists()
    assert not listening(socket_path)


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (FileNotFoundError(), "not running"),
        (ConnectionRefusedError(), "not running"),
        (PermissionError(), "another user"),
        (TimeoutError(), "in time"),
        (ConnectionResetError(), "before the answer was complete"),
        (http.client.IncompleteRead(b""), "before the answer was complete"),
        (http.client.RemoteDisconnected(), "before the answer was complete"),
    ],
)
def test_every_way_not_to_reach_the_daemon_has_words_and_a_hint(
    raised: Exception, words: str
) -> None:
    with (
        pytest.raises(DaemonUnreachable, match=words) as caught,
        unreachable(Path("/run/llmd.sock")),
    ):
        raise raised
    assert caught.value.hint


def test_errors_that_are_not_about_the_connection_pass() -> None:
    with pytest.raises(ZeroDivisionError), unreachable(Path("/run/llmd.sock")):
        raise ZeroDivisionError
