"""The daemon's own life: start, lock, drain, stop."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from pathlib import Path

from tests.integration.conftest import ENDLESS, MakeDaemon, chat, wait_for

FINITE = {**ENDLESS, "max_tokens": 1000}


def test_the_socket_and_its_directory_are_private(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(daemon.socket.parent.stat().st_mode) == 0o700


def test_a_second_daemon_refuses_and_says_who_holds_the_lock(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    second = daemon.spawn()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"process {daemon.pid}" in said
    assert "Traceback" not in said
    assert daemon.call("GET", "/health")["status"] == "healthy"


def test_a_port_in_use_is_a_clear_error(make_daemon: MakeDaemon, tmp_path: object) -> None:
    daemon = make_daemon()
    port = daemon.address.rpartition(":")[2]
    daemon.environment |= {
        "LLMD_HOME": str(daemon.home) + "2",
        "LLMD_SOCKET": str(daemon.socket) + "2",
        "LLMD_PORT": port,
    }
    second = daemon.spawn()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"127.0.0.1:{port} is in use" in said
    assert "server.port" in said
    assert "Traceback" not in said


def test_sigterm_lets_running_answers_finish_and_refuses_new_ones(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream(FINITE)
    text = stream.text()
    next(text)
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(lambda: daemon.call("GET", "/health")["status"] == "draining")
    refused = daemon.call("POST", "/v1/chat/completions", chat("Hello"))
    assert refused["error"]["code"] == "draining"
    events = list(stream.events())
    assert events[-1]["choices"][0]["finish_reason"] == "length"
    assert daemon.process.wait(20) == 0
    assert not daemon.socket.exists()


def test_a_closed_terminal_lets_running_answers_finish(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream({**FINITE, "max_tokens": 300})
    next(stream.text())
    assert daemon.process
    [model] = daemon.call("GET", "/control/ps")["models"]
    for pid in (*model["pids"], daemon.pid):  # all of its group are told
        os.kill(pid, signal.SIGHUP)
    assert list(stream.events())[-1]["choices"][0]["finish_reason"] == "length"
    assert daemon.process.wait(20) == 0
    assert not daemon.socket.exists()


def test_a_closed_terminal_is_nothing_to_a_daemon_that_ignores_it(make_daemon: MakeDaemon) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        daemon = make_daemon()
    finally:
        signal.signal(signal.SIGHUP, before)
    os.kill(daemon.pid, signal.SIGHUP)
    assert daemon.call("POST", "/v1/chat/completions", {**chat("Hello"), "max_tokens": 1})
    assert daemon.call("GET", "/health")["status"] == "healthy"


def test_a_second_signal_stops_at_once(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    assert daemon.process
    daemon.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert daemon.process.poll() is None
    daemon.process.send_signal(signal.SIGINT)
    assert daemon.process.wait(10) == 0


def test_signals_that_keep_coming_do_not_spoil_the_end(make_daemon: MakeDaemon) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        daemon = make_daemon()
        assert daemon.process
        while daemon.process.poll() is None:
            daemon.process.send_signal(number)
            time.sleep(0.0001)
        assert daemon.process.returncode == 0


def test_draining_has_a_limit(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_SERVER_DRAIN_TIMEOUT="1s")
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    events: list[dict[str, object]] = []
    reading = threading.Thread(target=lambda: events.extend(stream.events()))
    reading.start()
    assert daemon.process.wait(15) == 0
    reading.join(10)
    assert "error" in events[-1]


def test_stop_over_the_socket(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    assert daemon.call("POST", "/control/stop", {"mode": "drain"}) == {"state": "draining"}
    assert daemon.process
    assert daemon.process.wait(15) == 0


def test_an_idle_daemon_is_small_and_imports_no_engine(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    status = daemon.call("GET", "/control/status")
    assert status["resident"] < 110 * 2**20  # of which SQLAlchemy is twenty
    maps = Path(f"/proc/{daemon.pid}/maps")
    assert not maps.exists() or "libllama" not in maps.read_text()


def test_status_tells_where_it_listens(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    status = daemon.call("GET", "/control/status")
    assert status["pid"] == daemon.pid
    assert status["socket"] == str(daemon.socket)
    assert status["state"] == "running"
    assert status["address"].startswith("http://127.0.0.1:")
