"""What happens when a model's process dies, hangs or is asked for too much."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import psutil

from tests.integration.conftest import ENDLESS, LONG_PROMPT, MakeDaemon, chat, wait_for


def test_a_worker_killed_in_mid_stream_fails_its_request_and_comes_back(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream(ENDLESS)
    text = stream.text()
    next(text)
    (worker,) = daemon.workers()
    worker.kill()
    events = list(stream.events())
    error = events[-1]["error"]
    assert error["code"] == "worker_died"
    assert error["details"]["cause"] == "killed"
    assert error["details"]["retry_after"]
    answer = daemon.call("POST", "/v1/chat/completions", chat("What is the capital of France?"))
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert daemon.workers()[0].pid != worker.pid


def test_a_request_that_had_shown_nothing_is_replayed(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_ENGINE_BATCH="32")
    daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    (worker,) = daemon.workers()
    answers: list[Any] = []
    worker.suspend()  # so that nothing can be shown before the kill
    asking = threading.Thread(
        target=lambda: answers.append(
            daemon.call("POST", "/v1/chat/completions", chat("What is the capital of Peru?"))
        )
    )
    asking.start()
    wait_for(lambda: (daemon.loaded() or {}).get("running") == 1)
    worker.kill()
    asking.join(30)
    assert "Lima" in answers[0]["choices"][0]["message"]["content"]
    assert any(line["event"] == "replaying alone" for line in daemon.log())


def test_a_request_that_kills_its_worker_twice_is_named_and_not_tried_again(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(LLMD_ENGINE_BATCH="32", LLMD_ENGINE_PREFILL_CHUNK="16")
    daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    answers: list[Any] = []
    first = daemon.workers()[0]
    first.suspend()
    asking = threading.Thread(
        target=lambda: answers.append(
            daemon.call("POST", "/v1/chat/completions", {**LONG_PROMPT, "model": "llmd-tiny"})
        )
    )
    asking.start()
    wait_for(lambda: (daemon.loaded() or {}).get("running") == 1)
    first.kill()
    wait_for(lambda: any(worker.pid != first.pid for worker in daemon.workers()))
    second = next(worker for worker in daemon.workers() if worker.pid != first.pid)
    wait_for(lambda: (daemon.loaded() or {}).get("running") == 1)
    second.kill()
    asking.join(30)
    error = answers[0]["error"]
    assert error["code"] == "poison_request"
    assert "retry_after" not in error["details"]
    answer = daemon.call("POST", "/v1/chat/completions", chat("What is the capital of Italy?"))
    assert "Rome" in answer["choices"][0]["message"]["content"]


def test_a_wedged_worker_is_noticed_replaced_and_its_silent_request_replayed(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(LLMD_POOL_STALL_TIMEOUT="1s")
    daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    daemon.workers()[0].suspend()
    answer = daemon.call("POST", "/v1/chat/completions", chat("What is the capital of Egypt?"))
    assert "Cairo" in answer["choices"][0]["message"]["content"]
    assert any(line["event"] == "wedged" for line in daemon.log())


def test_an_abort_inside_llama_cpp_is_told_apart_from_a_kill(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    daemon.workers()[0].send_signal(signal.SIGABRT)
    assert list(stream.events())[-1]["error"]["details"]["cause"] == "native_abort"


def test_no_worker_outlives_a_daemon_that_is_killed(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    (worker,) = daemon.workers()
    os.kill(daemon.pid, signal.SIGKILL)
    psutil.wait_procs([worker], timeout=10)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert daemon.process
    daemon.process.communicate()
    daemon.start()  # over the stale socket and lock
    answer = daemon.call("POST", "/v1/chat/completions", chat("What is the capital of France?"))
    assert "Paris" in answer["choices"][0]["message"]["content"]


def test_even_a_stopped_worker_does_not_outlive_the_daemon(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    (worker,) = daemon.workers()
    worker.suspend()
    os.kill(daemon.pid, signal.SIGKILL)
    psutil.wait_procs([worker], timeout=10)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_an_idle_model_is_unloaded(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_KEEP_ALIVE="1s")
    daemon.call("POST", "/v1/chat/completions", chat("Hello"))
    loaded = daemon.loaded()
    assert loaded
    assert 0 < loaded["expires_in"] <= 1
    wait_for(lambda: daemon.loaded() is None)
    assert not daemon.workers()


def test_many_first_requests_load_one_copy(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(
                daemon.call("POST", "/v1/chat/completions", chat("Hello"))
            )
        )
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 12
    assert len(daemon.workers()) == 1
    assert sum(line["event"] == "loading" for line in daemon.log()) == 1


def test_a_worker_that_keeps_dying_is_held_back(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    for _ in range(4):
        for line in daemon.call("POST", "/control/load", {"model": "llmd-tiny"}):
            if "error" in line:
                break
        for worker in daemon.workers():
            worker.kill()
        wait_for(lambda: not daemon.workers())
        time.sleep(0.1)
    lines = daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    error = lines[-1]["error"] if isinstance(lines, list) else lines["error"]
    assert error["code"] == "worker_died"
    assert error["details"]["retry_after"] >= 1


def test_a_full_queue_is_429_and_says_when_to_come_back(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_ENGINE_PARALLEL="1", LLMD_ENGINE_MAX_QUEUE="1")
    running = daemon.open_stream(ENDLESS)
    next(running.text())
    waiting = daemon.open_stream(ENDLESS)
    refused = daemon.open_stream(ENDLESS)
    assert (waiting.status, refused.status) == (200, 429)
    assert int(refused.response.headers["Retry-After"]) > 0
    running.close()
    assert next(waiting.text())
    waiting.close()
    refused.close()


def test_unload_refuses_a_busy_model_unless_forced(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    assert (
        daemon.call("POST", "/control/unload", {"model": "llmd-tiny"})["error"]["code"]
        == "model_busy"
    )
    assert daemon.call("POST", "/control/unload", {"model": "llmd-tiny", "force": True}) == {
        "unloaded": ["llmd-tiny"]
    }
    assert list(stream.events())[-1]["error"]["details"]["cause"] == "stopped"
    assert not daemon.workers()
