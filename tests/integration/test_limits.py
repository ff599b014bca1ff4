"""Limits, metrics, logs and traces of a real daemon."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.integration.conftest import Daemon, MakeDaemon, chat, wait_for

Answer = tuple[int, dict[str, str], Any]


def ask(daemon: Daemon, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """One call over TCP: status, headers in lower case, JSON or text."""
    connection = http.client.HTTPConnection(urlsplit(daemon.address).netloc, timeout=60)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        data = response.read()
        fields = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in fields.get("content-type", "")
        return response.status, fields, json.loads(data) if is_json else data.decode()
    finally:
        connection.close()


def test_tokens_of_a_day_are_known_after_a_restart(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_LIMITS_ADDRESS_TOKENS_PER_DAY="5")
    status, fields, _ = ask(daemon, "POST", "/v1/chat/completions", chat("Hello"))
    assert status == 200
    assert (fields["x-ratelimit-limit"], fields["x-ratelimit-remaining"]) == ("5", "5")
    assert ask(daemon, "POST", "/v1/chat/completions", chat("Hello"))[0] == 429
    assert daemon.stop() == 0
    daemon.start()
    status, fields, body = ask(daemon, "POST", "/v1/chat/completions", chat("Hello"))
    assert status == 429
    assert int(fields["retry-after"]) > 3600
    assert fields["x-ratelimit-resource"] == "tokens-per-day"
    assert body["error"]["code"] == "rate_limited"
    # the owner goes on
    assert daemon.call("POST", "/v1/chat/completions", chat("Hello"))["choices"]


def test_a_slow_client_is_dropped_and_the_others_are_served(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_SERVER_HEADER_TIMEOUT="300ms", LLMD_SERVER_MAX_CONNECTIONS="5")
    place = urlsplit(daemon.address)
    slow = [socket.create_connection((place.hostname, place.port), timeout=20) for _ in range(5)]
    try:
        for wire in slow:
            wire.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        # all places are taken until the slow ones are thrown out
        assert [wire.recv(100).split()[1] for wire in slow] == [b"408"] * 5
        wait_for(lambda: ask(daemon, "GET", "/health")[0] == 200)
    finally:
        for wire in slow:
            wire.close()


def test_the_documented_metrics_count_what_their_names_say(daemon: Daemon) -> None:
    ask(daemon, "POST", "/v1/chat/completions", chat("Hello"))
    place = urlsplit(daemon.address)
    with (
        socket.create_connection((place.hostname, place.port)),
        socket.create_connection((place.hostname, place.port)),
    ):
        wait_for(lambda: daemon.metric("active_connections") >= 3)
    _, _, text = ask(daemon, "GET", "/metrics")
    lines = text.splitlines()
    assert "# TYPE model_inference_seconds histogram" in lines
    assert "# TYPE active_connections gauge" in lines
    for bound in (1, 3, 5):
        assert any(
            line.startswith(f'model_inference_seconds_bucket{{le="{bound}"}} ') for line in lines
        )
    assert daemon.metric("model_inference_seconds_count") >= 1
    for name in (
        "llmd_http_requests_total",
        "llmd_token_gap_seconds_count",
        "llmd_first_token_seconds_count",
        "llmd_engine_kv_cells",
        "llmd_model_loads_total",
        "llmd_active_requests",
    ):
        assert any(line.startswith(name) for line in lines), name


def test_lines_tell_who_and_what_and_nothing_of_prompts(daemon: Daemon) -> None:
    key = "sk-must-not-be-seen"
    ask(
        daemon,
        "POST",
        "/v1/chat/completions?token=nor-this",
        chat("unmistakable words"),
        **{"Authorization": f"Bearer {key}", "X-Request-Id": "find-me"},
    )
    mine = {"event": "request", "request": "find-me"}
    wait_for(lambda: any(mine.items() <= line.items() for line in daemon.log()))
    (line,) = [line for line in daemon.log() if mine.items() <= line.items()]
    assert (line["status"], line["model"]) == (200, "llmd-tiny")
    assert line["caller"].startswith("key:")
    assert line["prompt_tokens"] > 0
    assert line["ms"] > 0
    whole = json.dumps(daemon.log())
    for secret in ("unmistakable", key, "nor-this"):
        assert secret not in whole


def test_prompts_are_logged_for_those_who_want_it(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_LOG_PROMPTS="true")
    ask(daemon, "POST", "/v1/chat/completions", chat("春天的诗"), **{"X-Request-Id": "find-me"})

    def said() -> list[dict[str, Any]]:
        return [line for line in daemon.log() if line.get("logger") == "transcript"]

    wait_for(lambda: len(said()) == 2)
    lines = said()
    assert [line["event"] for line in lines] == ["prompt", "answer"]
    assert "春天的诗" in lines[0]["text"]
    assert {line["request"] for line in lines} == {"find-me"}


class Collector(BaseHTTPRequestHandler):
    """Takes spans."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    received: list[tuple[str, bytes]] = []
    kind = type("Own", (Collector,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_traces_reach_the_collector(make_daemon: MakeDaemon) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with collector() as (endpoint, received):
        daemon = make_daemon(LLMD_TELEMETRY_OTLP_ENDPOINT=endpoint)
        ask(
            daemon,
            "POST",
            "/v1/chat/completions",
            chat("Hello"),
            traceparent=f"00-{trace}-00f067aa0ba902b7-01",
        )
        assert daemon.stop() == 0
    assert {path for path, _ in received} == {"/v1/traces"}
    exported = b"".join(body for _, body in received)
    for told in (bytes.fromhex(trace), b"POST /v1/chat/completions", b"prefill", b"llmd-tiny"):
        assert told in exported


def test_a_dead_collector_disturbs_nobody(make_daemon: MakeDaemon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening: connections are refused
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        daemon = make_daemon(LLMD_TELEMETRY_OTLP_ENDPOINT=endpoint)
        for _ in range(20):
            assert ask(daemon, "GET", "/v1/models")[0] == 200
        assert daemon.stop() == 0
