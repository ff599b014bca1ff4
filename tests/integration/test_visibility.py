"""What a daemon tells about its waiting line, its prefix cache and its requests."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.conftest import (
    ENDLESS,
    Daemon,
    MakeDaemon,
    Stream,
    UnixConnection,
    chat,
    wait_for,
)

# every test starts a daemon and a worker
pytestmark = pytest.mark.timeout(120)

RULES = "Be brief. " + " ".join(f"Rule {n}: obey rule {n + 1}." for n in range(1, 40))


@pytest.fixture
def narrow(make_daemon: MakeDaemon) -> Daemon:
    """A daemon whose model answers one request at a time."""
    return make_daemon(LLMD_ENGINE_PARALLEL="1", LLMD_CACHE_DISK="0")


def requests(daemon: Daemon) -> dict[str, Any]:
    found = daemon.call("GET", "/control/requests")
    assert isinstance(found, dict)
    return found


def states(daemon: Daemon) -> list[str]:
    return [request["state"] for request in requests(daemon)["live"]]


def activity(daemon: Daemon) -> dict[str, Any]:
    loaded = daemon.loaded()
    return loaded["activity"] if loaded else {}


def raw_lines(stream: Stream) -> Iterator[str]:
    while line := stream.response.readline():
        yield line.decode().rstrip("\n")


def ask(daemon: Daemon, **body: Any) -> tuple[dict[str, Any], http.client.HTTPMessage]:
    """One whole answer over the Unix socket, and its headers."""
    connection = UnixConnection(daemon.socket)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert response.status == 200, answer
    return answer, response.headers


def test_a_request_that_waits_knows_its_place_until_its_turn_comes(narrow: Daemon) -> None:
    first = narrow.open_stream(ENDLESS)
    assert first.response.headers["X-LLMD-Queue-Position"] == "0"
    next(first.text())
    bodies = (ENDLESS, chat("Hello", max_tokens=3), chat("Hi", max_tokens=3))
    waiting = [narrow.open_stream(body) for body in bodies]
    places = [stream.response.headers["X-LLMD-Queue-Position"] for stream in waiting]
    assert places == ["0", "1", "2"]
    assert all(float(s.response.headers["X-LLMD-Estimated-Wait"]) >= 0 for s in waiting)
    assert len({s.response.headers["X-Request-Id"] for s in (first, *waiting)}) == 4
    wait_for(lambda: states(narrow) == ["writing", "queued", "queued", "queued"])
    assert [request["position"] for request in requests(narrow)["live"]] == [None, 0, 1, 2]
    wait_for(lambda: activity(narrow)["waiting"] == 3)
    first.close()
    # the wait of the last one may be told anew before the line moves
    assert next(line for line in raw_lines(waiting[2]) if ": queued position=1 wait=" in line)
    waiting[0].close()
    assert "".join(waiting[2].text())
    wait_for(lambda: not states(narrow))
    ended = {request["id"]: request for request in requests(narrow)["ended"]}
    assert [ended[n]["state"] for n in range(1, 5)] == ["cancelled", "cancelled", "done", "done"]


def test_the_command_line_shows_it(narrow: Daemon) -> None:
    def llmd(*arguments: str) -> str:
        command = [sys.executable, "-m", "llmd", *arguments]
        done = subprocess.run(
            command, env=narrow.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = narrow.open_stream({**ENDLESS, "user": "ann"})
    next(first.text())
    narrow.open_stream(chat("Hi", user="bob", lane="batch"))
    wait_for(lambda: activity(narrow)["waiting"] == 1)
    assert "1+1 waiting" in llmd("ps")
    (loaded,) = json.loads(llmd("ps", "--json"))["models"]
    now = loaded["activity"]
    assert (loaded["running"], now["running"], now["waiting"]) == (2, 1, 1)
    assert 0 < now["kv_used"] <= loaded["kv_tokens"]
    assert now["generated_tokens"] > 0
    _, writing, queued = llmd("requests").splitlines()
    assert "user:ann" in writing
    assert "writing" in writing
    assert "user:bob (batch)" in queued
    assert "queued #1" in queued
    live = json.loads(llmd("requests", "--json"))["live"]
    assert [(r["client"], r["state"]) for r in live] == [
        ("user:ann", "writing"),
        ("user:bob", "queued"),
    ]


def test_two_users_take_turns(narrow: Daemon) -> None:
    blocking = narrow.open_stream(ENDLESS)
    next(blocking.text())
    greedy = [narrow.open_stream(chat(f"Hello {n}", max_tokens=2, user="greedy")) for n in range(6)]
    modest = narrow.open_stream(chat("Hi", max_tokens=2, user="modest"))
    assert int(modest.response.headers["X-LLMD-Queue-Position"]) <= 1
    blocking.close()
    for stream in (modest, *greedy):
        assert list(stream.events())
    done = [r["client"] for r in requests(narrow)["ended"] if r["state"] == "done"]
    assert done.index("user:modest") <= 1
    assert done.count("user:greedy") == 6


def test_the_batch_lane_waits_for_the_interactive_one(narrow: Daemon) -> None:
    blocking = narrow.open_stream(ENDLESS)
    next(blocking.text())
    batch = narrow.open_stream(chat("Hello", max_tokens=2, service_tier="flex"))
    chatting = narrow.open_stream(chat("Hi", max_tokens=2))
    assert chatting.response.headers["X-LLMD-Queue-Position"] == "0"
    blocking.close()
    for stream in (batch, chatting):
        assert list(stream.events())
    done = [r["lane"] for r in requests(narrow)["ended"] if r["state"] == "done"]
    assert done == ["interactive", "batch"]


def test_a_prompt_that_comes_again_is_cached_and_a_changed_one_says_why(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(LLMD_CACHE_DISK="0")

    def say(system: str, **fields: Any) -> dict[str, Any]:
        messages = [
            {"role": "system", "content": system},
            {"role": "user", "content": "What is the capital of France?"},
        ]
        answer, _ = ask(daemon, **chat("", messages=messages, max_tokens=4, **fields))
        details = answer["usage"]["prompt_tokens_details"]
        assert isinstance(details, dict)
        return {**details, "prompt_tokens": answer["usage"]["prompt_tokens"]}

    cold = say(f"Today is Monday. {RULES}")
    assert cold["cached_tokens"] == 0
    assert cold["cache_miss"]["kind"] == "cold"
    again = say(f"Today is Monday. {RULES}")
    assert again["cached_tokens"] > again["prompt_tokens"] - 32
    assert "cache_miss" not in again
    changed = say(f"Today is Tuesday. {RULES}")
    assert changed["cached_tokens"] < 32
    miss = changed["cache_miss"]
    assert miss["kind"] == "time"
    assert "Tuesday" in miss["text"]
    assert "Monday" in miss["instead"]
    other = say(f"Today is Monday. {RULES} Rhyme.".replace("Rule 20", "Order 20"))
    assert other["cache_miss"]["kind"] == "system_prompt"
    assert say(f"Today is Monday. {RULES}", cache_prompt=False)["cached_tokens"] == 0

    ended = requests(daemon)["ended"]
    assert [request["cached_tokens"] > 100 for request in ended] == [
        False, True, False, True, False,
    ]  # fmt: skip
    assert ended[0]["missed"] == "nothing cached yet"
    assert ended[1]["missed"] == ""
    assert "instead of" in ended[2]["missed"]
    assert "system prompt differs at token" in ended[3]["missed"]
    assert ended[0]["client"].startswith("local")
    now = activity(daemon)
    assert now["reused_tokens"] >= again["cached_tokens"]
    assert now["read_tokens"] > 0
    assert now["prefixes"] > 0
    assert daemon.metric('llmd_engine_tokens_total{kind="reused",model="llmd-tiny"}') > 0
    assert daemon.metric('llmd_engine_kv_cells{model="llmd-tiny",state="parked"}') > 0
    daemon.call("POST", "/control/unload", {"model": "llmd-tiny"})
    assert "llmd_engine_steps_total{" not in daemon.call("GET", "/metrics")


def test_over_tcp_the_words_of_other_prompts_stay_hidden(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_CACHE_DISK="0")
    ask(daemon, **chat(f"My password is swordfish. {RULES}", max_tokens=1))
    url = urlsplit(daemon.address)
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 0, timeout=60)
    body = json.dumps(chat(f"My password is {RULES}", max_tokens=1))
    headers = {"Authorization": "Bearer sk-mine"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    text = connection.getresponse().read().decode()
    connection.close()
    assert '"cache_miss"' in text
    assert "swordfish" not in text
    last = requests(daemon)["ended"][-1]
    assert last["client"].startswith("key:")
    assert "sk-mine" not in json.dumps(last)
    assert "swordfish" in last["missed"], "the owner may know"


def test_two_hundred_clients_are_all_listed_and_none_is_lost(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_ENGINE_PARALLEL="4", LLMD_CACHE_DISK="0")
    ask(daemon, **chat("Hello", max_tokens=1))
    asking = [
        threading.Thread(
            target=ask, args=(daemon,), kwargs=chat(f"Hi {n}", max_tokens=2, user=f"{n}")
        )
        for n in range(200)
    ]
    for thread in asking:
        thread.start()
    looks = 0
    while any(thread.is_alive() for thread in asking):
        assert activity(daemon)["running"] <= 4
        looks += 1
    for thread in asking:
        thread.join()
    found = requests(daemon)
    assert found["live"] == []
    assert len(found["ended"]) == 200
    assert {request["state"] for request in found["ended"]} == {"done"}
    assert len({request["client"] for request in found["ended"]}) >= 199
    assert looks
