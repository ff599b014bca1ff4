"""Conversations in a real daemon: nothing that was acknowledged is lost, and `llmd chat` goes on with them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Daemon, MakeDaemon, wait_for


def llmd(daemon: Daemon, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "llmd", *arguments],
        env=daemon.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_acknowledged_outlives_a_kill(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    sessions = [daemon.call("POST", "/control/sessions", {})["id"] for _ in range(4)]
    acknowledged: list[list[str]] = [[] for _ in sessions]

    def talk(number: int) -> None:
        path = f"/control/sessions/{sessions[number]}/messages"
        for turn in range(10_000):
            pair = [
                {"role": "user", "content": f"{turn}?"},
                {"role": "user", "content": f"{turn}!"},
            ]
            try:
                added: dict[str, Any] = daemon.call("POST", path, {"messages": pair})
            except (OSError, ValueError):
                return
            acknowledged[number] += [message["id"] for message in added["messages"]]

    talking = [threading.Thread(target=talk, args=(number,)) for number in range(len(sessions))]
    for thread in talking:
        thread.start()
    wait_for(lambda: all(len(ids) >= 20 for ids in acknowledged))
    os.kill(daemon.pid, signal.SIGKILL)
    for thread in talking:
        thread.join()
    assert daemon.process
    daemon.process.communicate()
    daemon.start()
    for session, ids in zip(sessions, acknowledged, strict=True):
        path = f"/control/sessions/{session}/messages?limit=1000"
        kept = daemon.call("GET", path)["messages"]
        assert [message["id"] for message in kept][: len(ids)] == ids
        # the last pair may have been written without the answer being heard, but never half of it
        assert len(kept) in {len(ids), len(ids) + 2}
    database = daemon.home / "data" / "llmd.db"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_a_chat_goes_on_after_a_restart(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    first = llmd(
        daemon, "chat", "-t", "0", "--session", "旅行", stdin="What is the capital of France?\n"
    )
    assert daemon.stop() == 0
    daemon.start()
    llmd(daemon, "chat", "-t", "0", "--session", "旅行", stdin="And of Spain?\n")
    shown = llmd(daemon, "sessions", "show", "旅行")
    assert "What is the capital of France?" in shown
    assert first.strip() in shown
    assert shown.index("France") < shown.index("And of Spain?")
    assert "旅行" in llmd(daemon, "sessions", "ls")
    assert llmd(daemon, "sessions", "export", "旅行").startswith("# 旅行\n\n## You\n")
    assert "旅行" in llmd(daemon, "sessions", "rm", "旅行")
    assert daemon.call("GET", "/control/sessions")["sessions"] == []


@pytest.mark.parametrize("content", [b"this is no database", b"SQLite format 3\0" + bytes(100)])
def test_a_damaged_database_stops_the_start_and_stays_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    daemon = Daemon(tmp_path / "home")
    database = tmp_path / "home" / "data" / "llmd.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(content)
    process = daemon.spawn()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{database} is damaged, or no database at all." in said
    assert "Traceback" not in said
    assert database.read_bytes() == content
