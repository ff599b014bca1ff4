"""Completion as people meet it: keys typed into each real shell, names from a real daemon."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.cli.completions import SCRIPTS
from tests.integration.conftest import Daemon

COMPLETIONS = Path(__file__).parents[2] / "completions"
START = {
    "bash": "bash --norc --noprofile",
    "zsh": "zsh -f",
    "fish": "fish --no-config --private",
}
READY = {
    "bash": "PS1='> '; source {script}; clear",
    "zsh": "PS1='> '; autoload -U compinit; compinit -u -D; source {script}; clear",
    "fish": "function fish_prompt; echo -n '> '; end; source {script}; clear",
}
PATIENCE = 30.0


class Terminal:
    """One shell in a tmux of its own."""

    def __init__(self, shell: str, environment: dict[str, str], folder: Path) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="llmd-", dir="/tmp")
        self._tmux = ["tmux", "-u", "-f", "/dev/null", "-S", f"{self._place.name}/tmux"]
        size = ["-x", "200", "-y", "40", "-c", str(folder)]
        subprocess.run(
            [*self._tmux, "new-session", "-d", *size, START[shell]], env=environment, check=True
        )
        self.type(READY[shell].format(script=COMPLETIONS / SCRIPTS[shell]))
        self.press("Enter")
        self.until(r"^> *$")

    def type(self, text: str) -> None:
        subprocess.run([*self._tmux, "send-keys", "-l", text], check=True)

    def press(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def screen(self) -> str:
        shown = subprocess.run(
            [*self._tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True
        )
        return shown.stdout.strip("\n")

    def until(self, pattern: str) -> str:
        """Wait until a line looks like the pattern, and return the screen."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, screen := self.screen(), re.MULTILINE):
            assert time.monotonic() < deadline, f"no {pattern!r} on:\n{screen}"
            time.sleep(0.05)
        return screen

    def complete(self, line: str, expected: str) -> str:
        """Press Tab behind a line until it stands there as expected: a busy daemon may not say its
        names in the moment it has.
        """
        deadline = time.monotonic() + PATIENCE
        while not re.search(rf"^> llmd {expected}%\s*$", screen := self._tab(line), re.MULTILINE):
            assert time.monotonic() < deadline, f"no {expected!r} on:\n{screen}"
        return screen

    def _tab(self, line: str) -> str:
        """Type a line and Tab; a letter behind it shows that the shell has done its work."""
        self.type(line)
        self.press("Tab")
        self.type("%")
        screen = self.until(r"^> .*%\s*$")
        self.press("C-u", "C-l")
        self.until(r"\A> *\Z")
        return screen

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)
        self._place.cleanup()


@pytest.fixture(scope="module")
def known(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, with a name of each kind."""
    daemon.call("POST", "/control/models/copy", {"source": "llmd-tiny", "target": "work:one"})
    session = daemon.call("POST", "/control/sessions", {"title": "Büro 之旅"})
    daemon.call("POST", "/control/users", {"name": "adalbert", "password": "long enough 1"})
    yield daemon
    daemon.call("DELETE", "/control/users/adalbert")
    daemon.call("DELETE", f"/control/sessions/{session['id']}")
    daemon.call("DELETE", "/control/models/work%3Aone")


@pytest.fixture(scope="module", params=list(START))
def terminal(
    request: pytest.FixtureRequest, known: Daemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    for program in (request.param, "tmux"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "small.gguf").touch()
    script = folder / "llmd"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m llmd "$@"\n')
    script.chmod(0o755)
    modules = os.pathsep.join(
        str(Path(part).absolute())
        for part in known.environment.get("PYTHONPATH", "").split(os.pathsep)
        if part
    )
    environment = {
        **known.environment,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "PYTHONPATH": modules,
        "LC_ALL": "C.UTF-8",
        "LLMD_NO_AUTOSTART": "0",
    }
    terminal = Terminal(request.param, environment, folder)
    yield terminal
    terminal.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("llmd stat", "status ", id="a command"),
        pytest.param("llmd config sh", "config show ", id="a command of a group"),
        pytest.param("llmd run --overf", "run --overflow ", id="an option"),
        pytest.param("llmd run --overflow sh", "run --overflow shift ", id="a choice"),
        pytest.param("llmd show llmd-t", "show llmd-tiny ", id="a model"),
        pytest.param("llmd show work:o", "show work:one ", id="a name with a colon"),
        pytest.param("llmd run --model=llmd-t", "run --model=llmd-tiny ", id="behind ="),
        pytest.param("llmd pull smollm2-13", "pull smollm2-135m ", id="of the catalogue"),
        pytest.param("llmd users rm adal", "users rm adalbert ", id="a user"),
        pytest.param("llmd config set log.lev", "config set log.level ", id="a setting"),
        pytest.param(
            "llmd config set log.level deb", r"config set log\.level debug ", id="a value"
        ),
        pytest.param("llmd import smal", r"import small\.gguf ", id="a file"),
        pytest.param(
            "llmd chat --session Bü", r"chat --session '?Büro(\\ | )之旅'? ", id="a session"
        ),
        pytest.param("llmd stats", "stats ?", id="nothing there is"),
    ],
)
def test_tab_completes(terminal: Terminal, line: str, expected: str) -> None:
    terminal.complete(line, expected)


def test_without_a_daemon_tab_says_nothing_and_starts_none(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Runs last: the shell keeps the socket that nobody listens on."""
    terminal.type(f"export LLMD_SOCKET={tmp_path}/none")
    terminal.press("Enter")
    terminal.press("C-l")
    terminal.until(r"\A> *\Z")
    screen = terminal.complete("llmd rm llmd-t", "rm llmd-t ?")
    assert screen.count("\n") == 0
    assert not (tmp_path / "none").exists()
    terminal.complete("llmd pull smollm2-13", "pull smollm2-135m ")
