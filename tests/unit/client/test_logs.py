from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from llmd.client.logs import Follower, entry, tail

LINE = '{"timestamp":"2026-01-01T00:00:00Z","level":"info","logger":"pool","event":"loaded","model":"m","ms":3}'


def append(path: Path, text: str) -> Callable[[], object]:
    def step() -> None:
        with path.open("a") as file:
            file.write(text)

    return step


def followed(path: Path, *steps: Callable[[], object]) -> list[str]:
    """Read before the first and after each step of a script."""
    follower = Follower(path, tail(path, 0).end)
    lines = [*follower.read()]
    for step in steps:
        step()
        lines += follower.read()
    follower.close()
    return lines


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
    assert followed(log, append(log, "f\n")) == ["half"]


def test_follows_what_is_written(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")
    assert followed(log, append(log, "b\nc\n"), append(log, "d\n")) == ["b", "c", "d"]


def test_follows_over_a_rotation_without_losing_a_line(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")

    def rotate() -> None:
        with log.open("a") as file:
            file.write("last\n")
        log.rename(log.with_name("daemon.log.1"))
        log.write_text("first\n")

    assert followed(log, rotate, append(log, "second\n")) == ["last", "first", "second"]


def test_follows_a_file_that_comes_later_or_is_emptied(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    steps = (append(log, "first\n"), lambda: log.write_text(""), append(log, "again\n"))
    assert followed(log, *steps) == ["first", "again"]


def test_a_moment_without_a_file_is_waited_out(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")
    gone = tmp_path / "daemon.log.1"
    assert followed(log, lambda: log.rename(gone), append(log, "new\n")) == ["new"]


def test_an_entry_is_read_with_its_level() -> None:
    found = entry(LINE)
    assert found.text == "2026-01-01T00:00:00Z info    pool: loaded model=m ms=3"
    assert (found.level, found.raw) == ("info", LINE)


def test_lines_that_are_no_json_stay_as_they_are() -> None:
    assert entry("plain text").text == "plain text"
    assert entry("[1]").text == "[1]"


def test_a_traceback_stands_under_its_line() -> None:
    found = entry('{"event":"bug","level":"error","exception":"Trace\\n  back"}')
    assert found.text.endswith(": bug\nTrace\n  back")
