"""A daemon whose sockets a service manager holds, as systemd does it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.daemon import short_socket
from tests.integration.conftest import UnixConnection

# a shell of its own: who hands sockets over knows the process's number only after the fork
HAND_OVER = 'export LISTEN_PID=$$ LISTEN_FDS=2; exec 3<&"$1" 4<&"$2"; exec "$3" -m llmd serve'


class Manager:
    """Holds two sockets, and starts daemons on them."""

    def __init__(self, home: Path, path: Path, host: str = "127.0.0.1") -> None:
        self.path = path
        self.home = home
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(os.fspath(path))
        self.tcp = socket.socket()
        self.tcp.bind((host, 0))
        self.sockets = (self.unix, self.tcp)
        for one in self.sockets:
            one.listen(64)

    @property
    def port(self) -> int:
        return int(self.tcp.getsockname()[1])

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[str]]:
        numbers = [one.fileno() for one in self.sockets]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LLMD_")}
        process = subprocess.Popen(
            ["bash", "-c", HAND_OVER, "sh", *map(str, numbers), sys.executable],
            pass_fds=numbers,
            env={**clean, "LLMD_HOME": str(self.home), "LLMD_ENGINE_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=30)
            finally:
                process.kill()

    def ask(self, path: str, body: object = None) -> dict[str, object]:
        """One call over TCP, which waits for a daemon that is not there yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET" if body is None else "POST", path, body and json.dumps(body))
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def status(self) -> dict[str, object]:
        connection = UnixConnection(self.path)
        try:
            connection.request("GET", "/control/status")
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def close(self) -> None:
        for one in self.sockets:
            one.close()


@pytest.fixture
def control() -> Iterator[Path]:
    with short_socket() as path:
        yield path


def test_daemons_come_and_go_and_no_connection_is_refused(tmp_path: Path, control: Path) -> None:
    manager = Manager(tmp_path, control)
    early = socket.create_connection(("127.0.0.1", manager.port), timeout=60)
    early.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with manager.daemon():
        assert early.recv(12) == b"HTTP/1.1 200", "it came before there was a daemon"
        status = manager.status()
        assert status["address"] == f"http://127.0.0.1:{manager.port}"
        assert status["socket"] == str(control)
        question = [{"role": "user", "content": "What is the capital of France?"}]
        answer = manager.ask(
            "/v1/chat/completions", {"messages": question, "temperature": 0, "max_tokens": 20}
        )
        assert "Paris" in json.dumps(answer)
    assert control.exists(), "it is the manager's"
    with manager.daemon():
        assert manager.ask("/health")["status"] == "healthy"
    early.close()
    manager.close()


def test_an_address_for_everybody_needs_keys_here_too(tmp_path: Path, control: Path) -> None:
    manager = Manager(tmp_path, control, "0.0.0.0")
    with manager.daemon() as process:
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "others could use llmd without any key" in said
    manager.close()
