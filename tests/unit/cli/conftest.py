"""The command line in this process, against a fake daemon, in a home of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from llmd.cli.main import run
from llmd.config.paths import Paths, find_paths
from tests.fakes.daemon import FakeDaemon, short_socket


class Result(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, decoded."""
        return msgspec.json.decode(self.out)


Llmd = Callable[..., Result]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A fresh home in which no command starts a daemon."""
    for name in [name for name in os.environ if name.startswith("LLMD_")]:
        monkeypatch.delenv(name)
    with short_socket() as socket:
        monkeypatch.setenv("LLMD_HOME", str(tmp_path))
        monkeypatch.setenv("LLMD_SOCKET", str(socket))
        monkeypatch.setenv("LLMD_NO_AUTOSTART", "1")
        yield find_paths()


@pytest.fixture
def daemon(paths: Paths) -> Iterator[FakeDaemon]:
    """A daemon that answers from a script."""
    with FakeDaemon(paths.socket) as daemon:
        yield daemon


@pytest.fixture
def llmd(paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Llmd:
    """Run a command line: `llmd("run", "hello", stdin="more")`; bytes arrive as a pipe's do."""

    def llmd(*arguments: str, stdin: str | bytes = "") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        pipe = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape")
        monkeypatch.setattr("sys.stdin", pipe)
        capsys.readouterr()
        code = run(list(arguments))
        return Result(code, *capsys.readouterr())

    return llmd


@pytest.fixture
def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make stdout and stderr claim to be a terminal; called in the test, since pytest replaces both before it."""

    def pretend() -> None:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    return pretend
