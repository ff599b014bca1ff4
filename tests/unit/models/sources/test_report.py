"""Lines of a source program."""

from __future__ import annotations

import io
import json

from llmd.models.sources.lines import Progress
from llmd.models.sources.report import Report


def shown(out: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_progress_is_reported_a_few_times_a_second_and_over_all_files() -> None:
    out = io.BytesIO()
    report = Report(out)
    report.total, report.complete = 100, 40
    for done in range(50):
        report.progress("downloading", "m", done)
    assert [line["done"] for line in shown(out)] == [40]


def test_a_new_note_is_always_said() -> None:
    out = io.BytesIO()
    report = Report(out)
    for note in ("", "trying again", "trying again", ""):
        report.progress("downloading", "m", 1, note)
    assert [line["note"] for line in shown(out)] == ["", "trying again", ""]


def test_without_a_known_total_nothing_is_cut_off() -> None:
    out = io.BytesIO()
    Report(out).progress("downloading", "m", 7)
    assert shown(out)[0]["done"] == 7


def test_other_lines_are_written_as_they_are() -> None:
    out = io.BytesIO()
    Report(out).line(Progress("resolving", "m"))
    assert shown(out)[0]["status"] == "resolving"
