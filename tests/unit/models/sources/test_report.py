"""Lines of a source program."""

from __future__ import annotations

import io
import json
import threading

from llmd.models.sources.lines import Named, Progress
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


def test_what_is_named_waits_for_a_word() -> None:
    out = io.BytesIO()
    report = Report(out, asks=True)
    naming = threading.Thread(target=report.named, args=(Named("m", "hf://o/m"),))
    naming.start()
    naming.join(0.05)
    assert naming.is_alive()
    report.allow()
    naming.join()
    assert shown(out) == [{"type": "named", "name": "m", "source": "hf://o/m", "path": ""}]


def test_nobody_is_asked_where_nobody_listens() -> None:
    out = io.BytesIO()
    Report(out).named(Named("m", "hf://o/m"))
    assert shown(out)[0]["type"] == "named"


def test_other_lines_are_written_as_they_are() -> None:
    out = io.BytesIO()
    Report(out).line(Progress("resolving", "m"))
    assert shown(out)[0]["status"] == "resolving"
