"""Pulls from a plain web server through real daemons, which are killed and joined."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.fileserver import BLOCK, FileServer, serving
from tests.fakes.processes import running
from tests.integration.conftest import Daemon, MakeDaemon, UnixConnection, chat, wait_for

PATH = "/models/small-Q8_0.gguf"


@pytest.fixture
def site(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(FileServer(files={PATH: tiny_model.read_bytes()})) as site:
        yield site


class Pull:
    """A pull under way, read in a thread."""

    def __init__(self, daemon: Daemon, url: str, **more: object) -> None:
        self.events: list[dict[str, Any]] = []
        self._connection = UnixConnection(daemon.socket)
        self._connection.request("POST", "/control/pull", json.dumps({"name": url, **more}))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        response = self._connection.getresponse()
        try:
            while line := response.readline():
                self.events.append(json.loads(line))
        except OSError:
            pass  # the daemon was killed
        finally:
            response.close()

    @property
    def done(self) -> int:
        return max((event.get("done", 0) for event in self.events), default=0)

    def end(self) -> dict[str, Any]:
        self._thread.join(30)
        self._connection.close()
        assert not self._thread.is_alive()
        return self.events[-1]


def sources(daemon: Daemon) -> list[psutil.Process]:
    return running("llmd.models.sources.https", daemon.pid)


def test_a_model_comes_from_any_web_server_answers_and_goes(
    make_daemon: MakeDaemon, site: FileServer, tiny_model: Path
) -> None:
    daemon = make_daemon()
    digest = hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    url = f"{site.url}{PATH}"
    model = Pull(daemon, f"{url}#sha256={digest}").end()["model"]
    assert (model["name"], model["source"], model["owned"]) == ("small-Q8_0", url, True)
    assert model["digests"] == {model["path"]: digest}
    answer = daemon.call("POST", "/v1/chat/completions", chat("Hello", model="small-Q8_0"))
    assert answer["choices"][0]["message"]["content"]
    daemon.call("DELETE", "/control/models/small-Q8_0")
    assert not Path(model["path"]).exists()


def test_a_killed_daemon_leaves_nothing_behind_but_what_came(
    make_daemon: MakeDaemon, site: FileServer
) -> None:
    daemon = make_daemon()
    site.faults.pause = 0.03
    pull = Pull(daemon, f"{site.url}{PATH}")
    wait_for(lambda: pull.done >= 10 * BLOCK)
    (child,) = sources(daemon)
    daemon.process.send_signal(signal.SIGKILL)  # type: ignore[union-attr]
    daemon.process.communicate()  # type: ignore[union-attr]
    wait_for(lambda: not child.is_running())
    pull.end()
    before, site.faults.pause = pull.done, 0
    daemon.start()
    assert [model["name"] for model in daemon.call("GET", "/control/models")["models"]] == [
        "llmd-tiny"
    ]
    again = Pull(daemon, f"{site.url}{PATH}").end()
    assert Path(again["model"]["path"]).read_bytes() == site.files[PATH]
    assert site.contents[-1].start >= before


def test_a_second_daemon_waits_for_the_first_and_fetches_nothing(
    tmp_path: Path, site: FileServer
) -> None:
    # two homes with one folder of models: as two daemons over one network file system
    first, second = Daemon(tmp_path / "one"), Daemon(tmp_path / "two")
    for home in (first.home, second.home):
        (home / "data").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    for home in (first.home, second.home):
        (home / "data" / "models").symlink_to(tmp_path / "shared")
    site.faults.pause = 0.03
    try:
        both = [first.start(), second.start()]
        pulls = [Pull(daemon, f"{site.url}{PATH}") for daemon in both]
        ends = [pull.end() for pull in pulls]
    finally:
        first.stop()
        second.stop()
    assert [Path(end["model"]["path"]).read_bytes() for end in ends] == [site.files[PATH]] * 2
    assert len(site.contents) == 1
    assert any(
        event["status"] == "waiting" and event["done"] > 0
        for pull in pulls
        for event in pull.events
        if "status" in event
    )


def test_downloads_keep_to_their_hours_unless_one_is_in_a_hurry(
    make_daemon: MakeDaemon, site: FileServer
) -> None:
    hour = (time.localtime().tm_hour + 12) % 24
    daemon = make_daemon(LLMD_DOWNLOADS_HOURS=f"{hour}:00-{(hour + 1) % 24}:00")
    waiting = Pull(daemon, f"{site.url}{PATH}")
    wait_for(lambda: any(event.get("status") == "waiting" for event in waiting.events))
    event = next(event for event in waiting.events if event["status"] == "waiting")
    assert event["waiting_until"] > time.time()
    assert site.asked == []
    hurried = Pull(daemon, f"{site.url}{PATH}", now=True)
    assert waiting.end()["model"] == hurried.end()["model"]


def test_a_rate_limit_holds_for_all_downloads_together(
    make_daemon: MakeDaemon, site: FileServer
) -> None:
    daemon = make_daemon(LLMD_DOWNLOADS_RATE_LIMIT="200KB")
    site.files["/other.gguf"] = site.files[PATH]
    slow = Pull(daemon, f"{site.url}{PATH}")
    other = Pull(daemon, f"{site.url}/other.gguf")
    wait_for(lambda: slow.done > 0 and other.done > 0)
    assert all(0 < pull.done < len(site.files[PATH]) for pull in (slow, other))
    daemon.stop()
    assert "stopped" in slow.end()["error"]["message"]
    other.end()


def test_the_command_line_pulls_and_says_what_to_do_next(
    make_daemon: MakeDaemon, site: FileServer
) -> None:
    daemon = make_daemon()
    site.faults.refuse = [0, 503]
    ran = subprocess.run(
        [sys.executable, "-m", "llmd", "pull", f"{site.url}{PATH}", "--limit-rate", "20M"],
        env=daemon.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "small-Q8_0 is ready" in ran.stderr
    assert "HTTP 503; trying again" in ran.stderr
