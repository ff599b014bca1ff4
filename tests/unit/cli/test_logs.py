from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.logs import grow, readable, tail
from llmd.config.paths import Paths
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


def test_the_rotated_file_fills_up_what_is_missing(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.with_name("daemon.log.1").write_text("a\nb\n")
    log.write_text("c\n")
    assert tail(log, 2).lines == ["b", "c"]
    assert tail(log, 9).lines == ["a", "b", "c"]
    assert tail(log, 0).lines == []


def test_a_line_that_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("a\nhal")
    assert tail(log, 9).lines == ["a"]
    assert followed(log, Script(append(log, "f\n"))) == ["half"]


def test_follows_what_is_written(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")
    assert followed(log, Script(append(log, "b\nc\n"), append(log, "d\n"))) == ["b", "c", "d"]


def test_follows_over_a_rotation_without_losing_a_line(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")

    def rotate() -> None:
        with log.open("a") as file:
            file.write("last\n")
        log.rename(log.with_name("daemon.log.1"))
        log.write_text("first\n")

    assert followed(log, Script(rotate, append(log, "second\n"))) == ["last", "first", "second"]


def test_follows_a_file_that_comes_later_or_is_emptied(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    script = Script(append(log, "first\n"), lambda: log.write_text(""), append(log, "again\n"))
    assert followed(log, script) == ["first", "again"]


def test_a_moment_without_a_file_is_waited_out(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")
    script = Script(lambda: log.rename(tmp_path / "daemon.log.1"), append(log, "new\n"))
    assert followed(log, script) == ["new"]


def test_lines_that_are_no_json_stay_as_they_are() -> None:
    assert readable("plain text") == "plain text"
    assert readable("[1]") == "[1]"


def test_a_traceback_stands_under_its_line() -> None:
    assert readable('{"event":"bug","level":"error","exception":"Trace\\n  back"}').endswith(
        ": bug\nTrace\n  back"
    )
