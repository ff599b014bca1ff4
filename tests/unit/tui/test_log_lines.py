from __future__ import annotations

import pytest
from rich.cells import cell_len

from llmd.telemetry.log_file import entry
from llmd.tui.log_lines import Choice, graver, lines, measured, plain

LINE = entry(
    '{"timestamp":"2026-11-21T16:10:34.1Z","level":"warning","logger":"pool","event":"no room","model":"模型"}'
)
TRACE = entry('{"level":"error","event":"bug","exception":"Trace\\n  back"}')
ODD = entry("not JSON \x1b[2J")


def test_a_line_has_its_clock_level_and_words() -> None:
    assert plain(lines(LINE)) == "16:10:34 warning pool: no room model=模型"
    assert [style for _, style in lines(LINE)[0]] == [
        "time",
        "warning",
        "logger",
        "event",
        "details",
    ]


def test_a_traceback_stands_below_and_odd_lines_cannot_move_the_cursor() -> None:
    assert plain(lines(TRACE)).splitlines()[1:] == ["  Trace", "    back"]
    assert plain(lines(ODD)) == "not JSON \N{REPLACEMENT CHARACTER}[2J"


@pytest.mark.parametrize("width", [1, 7, 12, 13, 30, 80])
def test_wrapped_lines_fit_and_lose_nothing(width: int) -> None:
    parts = lines(LINE, width)
    assert all(measured(part) <= max(width, 4) for part in parts)
    whole = "".join(
        "".join(text for text, _ in part)[0 if place == 0 else 2 :]
        for place, part in enumerate(parts)
    )
    assert whole == plain(lines(LINE))
    assert cell_len(whole) == measured(lines(LINE)[0])


def test_levels_choose_what_is_as_grave_or_graver() -> None:
    shown = [Choice(level=level).takes(LINE) for level in ("debug", "info", "warning", "error")]
    assert shown == [True, True, True, False]
    assert Choice(level="error").takes(ODD)
    assert Choice(level="error").takes(entry('{"level":"critical","event":"x"}'))


def test_words_must_all_stand_in_the_line() -> None:
    assert Choice(text="ROOM 模").takes(LINE)
    assert not Choice(text="room chair").takes(LINE)


def test_behind_the_gravest_level_comes_the_first() -> None:
    assert [graver(level) for level in ("debug", "warning", "error")] == ["info", "error", "debug"]
