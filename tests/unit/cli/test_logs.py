from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.logs import grow
from llmd.config.paths import Paths
from llmd.telemetry.log_file import tail
from tests.unit.cli.conftest import Llmd

LINE = '{"timestamp":"2026-01-01T00:00:00Z","level":"info","logger":"pool","event":"loaded","model":"m","ms":3}'


class Script:
    """Stands for waiting: does the next step of a script each time, then ends the test."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)

    def __call__(self, _seconds: float) -> None:
        if not self.steps:
            raise TimeoutError
        step = self.steps.pop(0)
        assert callable(step)
        step()


def append(path: Path, text: str) -> object:
    def step() -> None:
        with path.open("a") as file:
            file.write(text)

    return step


def followed(path: Path, script: Script) -> list[str]:
    """Collect what `grow` yields until the script ends."""
    lines: list[str] = []
    stream = grow(path, tail(path, 0).end, script)
    with pytest.raises(TimeoutError):
        while True:
            lines.append(next(stream))
    return lines


def test_shows_the_last_lines_readably(llmd: Llmd, paths: Paths) -> None:
    paths.log_file.parent.mkdir(parents=True)
    paths.log_file.write_text(f"old\n{LINE}\n")
    assert llmd("logs", "-n", "1").out == "2026-01-01T00:00:00Z info    pool: loaded model=m ms=3\n"
    assert llmd("logs", "--json").out == f"old\n{LINE}\n"


def test_no_log_yet_is_said(llmd: Llmd) -> None:
    result = llmd("logs")
    assert result.code == 1
    assert "There is no log yet" in result.err


def test_follows_what_is_written(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")
    assert followed(log, Script(append(log, "b\nc\n"), append(log, "d\n"))) == ["b", "c", "d"]
