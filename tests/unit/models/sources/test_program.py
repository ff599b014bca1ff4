"""What all source programs share, run as one."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import Any

import pytest

from llmd.models.sources.lines import TERMS, Terms
from llmd.models.sources.program import terms

PROGRAM = """
import os, sys, time
from llmd.errors import NoRoom
from llmd.models.sources.lines import Fetched, Named, Progress
from llmd.models.sources.program import run
from llmd.models.sources.transfer import Looked, Refused

def work(transfer):
    what = sys.argv[1]
    print("a library talks")
    if what == "error": raise NoRoom("full")
    if what == "refused": raise Refused(404, "http://h/m", {}, b"")
    if what == "disk": raise OSError(28, "No space left on device", "/m")
    if what == "foreign": raise KeyError("odd")
    if what == "waits":
        while transfer.budget.chunk(2**20) != 25000: time.sleep(0.005)
    if what == "names": transfer.report.named(Named("m", "hf://o/m"))
    if what == "stays":
        transfer.report.line(Progress("downloading"))
        time.sleep(3600)
    if what == "looks": transfer.report.line(Progress("room")); raise Looked
    return Fetched(["/m"], "r", str(transfer.terms.connections), "s", True)

sys.exit(run("test", work, foreign=(KeyError,)))
"""


def started(what: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def ran(what: str, said: bytes | None = b"", **environment: str) -> dict[str, Any]:
    with started(what, **environment) as program:
        assert program.stdin
        assert program.stdout
        program.stdin.write(said or b"")
        program.stdin.flush()
        line: dict[str, Any] = json.loads(program.stdout.readline())
        program.stdin.close()
        program.wait(10)
    return line


def test_its_result_is_its_last_line() -> None:
    assert ran("well")["files"] == ["/m"]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("error", "no_room"),
        ("refused", "model_not_found"),
        ("disk", "no_room"),
        ("foreign", "download_failed"),
    ],
)
def test_what_goes_wrong_is_told_as_an_error(what: str, code: str) -> None:
    assert ran(what)["error"]["code"] == code


def test_who_only_looks_ends_without_a_result() -> None:
    assert ran("looks")["status"] == "room"


def test_it_keeps_to_the_terms_it_is_given() -> None:
    assert ran("well", **{TERMS: '{"connections": 7}'})["revision"] == "7"


def test_terms_that_cannot_be_read_are_the_usual_ones() -> None:
    assert terms("") == terms("{") == terms('{"connections": "many"}') == Terms()


def test_its_pace_can_be_changed_while_it_runs() -> None:
    lines = b'{"type":"pace","limit":40000}\n{"type":"pace","limit":100000}\n'
    assert ran("waits", lines)["files"] == ["/m"]


def test_it_waits_for_a_word_where_it_is_to_ask() -> None:
    with started("names", **{TERMS: '{"asks": true}'}) as program:
        assert program.stdin
        assert program.stdout
        assert json.loads(program.stdout.readline())["name"] == "m"
        assert not select.select([program.stdout], [], [], 0.05)[0]
        program.stdin.write(b'{"type":"go"}\n')
        program.stdin.flush()
        assert json.loads(program.stdout.readline())["files"] == ["/m"]


def test_it_ends_when_its_standard_input_does() -> None:
    assert ran("stays")["status"] == "downloading"
