from __future__ import annotations

import signal
import subprocess
import sys

import msgspec
import pytest

from llmd.errors import DownloadFailed
from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd

DOWNLOADING = {"status": "downloading", "file": "f.gguf", "done": 5, "total": 10, "rate": 1.0}


def test_shows_the_way_and_what_to_do_with_the_model(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.pull = [DOWNLOADING]
    result = llmd("pull", "owner/repo:Q8_0")
    assert result.code == 0
    assert result.out == ""
    assert result.err.splitlines() == [
        "downloading f.gguf 50% of 10 B 1 B/s, 5.0 s left",
        "owner/repo:Q8_0 is ready: llmd chat owner/repo:Q8_0",
    ]


@pytest.mark.parametrize(
    ("typed", "limit"),
    [("5M", 5 * 2**20), ("500k", 500 * 2**10), ("2MB", 2_000_000), ("1000", 1000), ("0", 0)],
)
def test_a_rate_is_written_as_for_curl(
    llmd: Llmd, daemon: FakeDaemon, typed: str, limit: int
) -> None:
    assert llmd("pull", "x", "--limit-rate", typed, "--now").code == 0
    assert daemon.asked[-1] == ("POST", "/control/pull", {"name": "x", "limit": limit, "now": True})


@pytest.mark.parametrize("typed", ["fast", "-5", "5Q", ""])
def test_what_is_no_rate_is_refused(llmd: Llmd, daemon: FakeDaemon, typed: str) -> None:
    assert llmd("pull", "x", "--limit-rate", typed).code == 2


def test_json_is_ndjson(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.pull = [DOWNLOADING]
    first, last = map(msgspec.json.decode, llmd("pull", "x", "--json").out.splitlines())
    assert first == DOWNLOADING
    assert last["model"]["name"] == "x"


def test_a_download_that_fails_says_why(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.pull = [DOWNLOADING]
    daemon.failure_after = DownloadFailed("There is no connection.", hint="Run it again to resume.")
    result = llmd("pull", "x")
    assert result.code == 1
    assert result.err.endswith("Error: There is no connection. Run it again to resume.\n")


def test_ctrl_c_says_how_to_resume(daemon: FakeDaemon) -> None:
    daemon.pull, daemon.pause = [DOWNLOADING] * 10_000, 0.01
    with subprocess.Popen(
        [sys.executable, "-m", "llmd", "pull", "x"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stderr
        assert command.stderr.readline().startswith(b"downloading")
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=20)
    assert command.returncode == 130
    assert err == b"paused; run the same command to resume: llmd pull x\n"
    assert daemon.left.wait(5)


def test_a_name_may_be_given(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("pull", "x", "--name", "mine").code == 0
    assert daemon.body("/control/pull") == {
        "name": "x",
        "limit": None,
        "now": False,
        "called": "mine",
    }


@pytest.mark.parametrize(("kind", "use"), [("embedding", ": llmd embed -m e TEXT"), ("rerank", "")])
def test_the_last_line_says_how_such_a_model_is_used(
    llmd: Llmd, daemon: FakeDaemon, kind: str, use: str
) -> None:
    daemon.answers["/control/pull"] = [{"model": {**TINY, "name": "e", "kind": kind}}]
    assert llmd("pull", "x").err == f"e is ready{use}\n"
