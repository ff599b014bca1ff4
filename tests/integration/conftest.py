"""Real daemons in processes of their own, each with a home, a socket and a port of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.processes import running


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


class Daemon:
    """One daemon under test."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.socket = home / "state" / "run" / "llmd.sock"
        if len(str(self.socket)) > 100:  # pytest's paths are long, and the kernel's limit is short
            self.socket = (
                Path("/tmp") / f"llmd-test-{os.getpid()}-{abs(hash(str(home))) % 10**8}" / "s"
            )
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("LLMD_")},
            "LLMD_HOME": str(home),
            "LLMD_SOCKET": str(self.socket),
            "LLMD_PORT": "0",
            "LLMD_ENGINE_THREADS": "1",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self._streams: list[Stream] = []

    def start(self) -> Daemon:
        self.process = self.spawn()
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not start:\n{self.process.communicate()[1]}")
            time.sleep(0.02)
        return self

    def spawn(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "llmd", "serve"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _answers(self) -> bool:
        try:
            return bool(self.call("GET", "/health"))
        except OSError:
            return False

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def address(self) -> str:
        return str(self.call("GET", "/control/status")["address"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One call over the socket; JSON back, or a list of objects for JSON lines."""
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            data = response.read()
            if response.headers.get_content_type() == "application/x-ndjson":
                return [json.loads(line) for line in data.splitlines()]
            return (
                json.loads(data)
                if response.headers.get_content_type() == "application/json"
                else data.decode()
            )
        finally:
            connection.close()

    def open_stream(self, body: dict[str, Any]) -> Stream:
        stream = Stream(self.socket, {"model": "llmd-tiny", "stream": True, **body})
        self._streams.append(stream)
        return stream

    def workers(self) -> list[psutil.Process]:
        return running("llmd.runtime.worker", self.pid)

    def loaded(self, name: str = "llmd-tiny") -> dict[str, Any] | None:
        return next(
            (model for model in self.call("GET", "/control/ps")["models"] if model["name"] == name),
            None,
        )

    def metric(self, name: str) -> float:
        for line in self.call("GET", "/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")

    def log(self) -> list[dict[str, Any]]:
        text = (self.home / "state" / "logs" / "daemon.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def stop(self) -> int:
        assert self.process
        for stream in self._streams:
            stream.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode


class Stream:
    """One streamed chat completion, read event by event."""

    def __init__(self, path: Path, body: dict[str, Any]) -> None:
        self.connection = UnixConnection(path)
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body))
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def events(self) -> Iterator[dict[str, Any]]:
        while line := self.response.readline():
            if line.startswith(b"data: ") and line != b"data: [DONE]\n":
                yield json.loads(line[6:])

    def text(self) -> Iterator[str]:
        for event in self.events():
            assert "error" not in event, event
            for choice in event["choices"]:
                if content := choice["delta"].get("content"):
                    yield content

    def close(self) -> None:
        self.response.close()
        self.connection.close()


ENDLESS = {
    "messages": [{"role": "user", "content": "Hello"}],
    "ignore_eos": True,
    "context_overflow": "shift",
    "temperature": 0,
}
"""A request whose answer never ends."""

LONG_PROMPT = {
    "messages": [{"role": "user", "content": "word " * 1900}],
    "temperature": 0,
    "max_tokens": 5,
}


def chat(question: str, **fields: object) -> dict[str, Any]:
    return {
        "model": "llmd-tiny",
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        **fields,
    }


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that the tests of one pytest process share; do not hurt it."""
    daemon = Daemon(tmp_path_factory.mktemp("home")).start()
    yield daemon
    assert daemon.stop() == 0


MakeDaemon = Callable[..., Daemon]


@pytest.fixture
def make_daemon(tmp_path: Path) -> Iterator[MakeDaemon]:
    """Return a function that starts daemons for this test alone."""
    made: list[Daemon] = []

    def make(**environment: str) -> Daemon:
        daemon = Daemon(tmp_path / "home", **environment)
        made.append(daemon)
        return daemon.start()

    yield make
    for daemon in made:
        if daemon.process:
            daemon.stop()
