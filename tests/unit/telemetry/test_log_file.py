from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from llmd.telemetry.log_file import Follower, behind, entry, rotated, tail

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


def test_only_the_end_of_a_large_file_is_read(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("".join(f"line {number} {'x' * 200}\n" for number in range(20_000)))
    assert [line.split()[1] for line in tail(log, 3).lines] == ["19997", "19998", "19999"]
    assert len(tail(log, 20_000, most=100_000).lines) < 1000
    assert followed(log, append(log, "next\n")) == ["next"]


def test_lines_that_are_longer_than_a_block_come_whole(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text(f"first\n{'长' * 100_000}\nlast\n")
    assert [len(line) for line in tail(log, 2).lines] == [100_000, 4]


def test_a_place_is_found_again_after_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("old\n")
    place = tail(log, 0).end
    with log.open("a") as file:
        file.write("missed\n")
    assert behind(log, place) == 7
    log.rename(rotated(log))
    log.write_text("new\n")
    assert behind(log, place) == 11
    follower = Follower(log, place)
    assert follower.take(1) == ["missed"]
    assert follower.take(9) == ["new"]
    assert follower.place == tail(log, 0).end
    follower.close()
    assert behind(log, (place[0] + 999_999, 0)) is None


def test_what_is_neither_json_nor_sane_stays_as_it_is() -> None:
    assert entry("plain").text == "plain"
    assert entry("[" * 100_000).event.startswith("[[")
    assert entry('{"event":"a","x":{"y":[1]}}').fields == (("x", "{'y': [1]}"),)
