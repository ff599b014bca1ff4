"""The command line in this process, against a fake daemon, in a home of its own."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import select
import subprocess
import sys
import time
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
def picture(tmp_path: Path) -> Path:
    """A file that begins as a picture does."""
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8))
    return picture


@pytest.fixture
def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make stdout and stderr claim to be a terminal; called in the test, since pytest replaces both before it."""

    def pretend() -> None:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    return pretend


@pytest.fixture
def pretend_columns(
    monkeypatch: pytest.MonkeyPatch, pretend_terminal: Callable[[], None]
) -> Callable[[int], None]:
    """Make them claim to be a terminal of so many columns, without colours."""

    def pretend(columns: int) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(columns))
        pretend_terminal()

    return pretend


class Screen:
    """A command line on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        environment = {
            **os.environ,
            "TERM": "xterm",
            "COLUMNS": "80",
            "LINES": "24",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llmd", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def expect(self, words: str) -> None:
        """Wait until the words appear after what was expected before."""
        deadline = time.monotonic() + 20
        while words not in self.text:
            assert select.select([self.master], [], [], deadline - time.monotonic())[0], (
                f"no {words!r} in {self.text!r}"
            )
            # styles and cursor movements are dropped
            new = os.read(self.master, 10_000).decode()
            self.text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text + new)
        self.text = self.text.partition(words)[2]

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self.master)


Terminal = Callable[..., Screen]


@pytest.fixture
def terminal(daemon: FakeDaemon) -> Iterator[Terminal]:
    """Open a command line on a terminal: `terminal("chat")`."""
    with contextlib.ExitStack() as opened:

        def terminal(*arguments: str) -> Screen:
            screen = Screen(*arguments)
            opened.callback(screen.close)
            return screen

        yield terminal
