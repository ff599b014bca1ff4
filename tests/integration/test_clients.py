"""Clients that misbehave: they leave, read slowly, come in crowds or send too much."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.integration.conftest import ENDLESS, Daemon, MakeDaemon, chat, wait_for


def running(daemon: Daemon) -> int:
    return int((daemon.loaded() or {"running": 0})["running"])


def test_a_client_that_leaves_in_mid_stream_frees_its_sequence(daemon: Daemon) -> None:
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    before = daemon.metric("llmd_cancel_seconds_count")
    assert running(daemon) == 1
    stream.close()
    wait_for(lambda: running(daemon) == 0)
    wait_for(lambda: daemon.metric("llmd_cancel_seconds_count") == before + 1)


def test_a_client_that_leaves_during_prefill_frees_its_sequence_and_no_other(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(LLMD_ENGINE_BATCH="32", LLMD_ENGINE_PREFILL_CHUNK="16")
    other = daemon.open_stream(ENDLESS)
    text = other.text()
    next(text)
    prompt = {**chat("word " * 1900), "stream": True}
    leaving = daemon.open_stream(prompt)
    assert running(daemon) == 2
    leaving.close()
    wait_for(lambda: running(daemon) == 1)
    assert [next(text) for _ in range(50)]
    other.close()


def test_a_client_that_leaves_a_whole_answer_frees_its_sequence(daemon: Daemon) -> None:
    url = urlsplit(daemon.address)
    with socket.create_connection((url.hostname, url.port)) as connection:
        body = json.dumps({**ENDLESS, "model": "llmd-tiny"}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        wait_for(lambda: running(daemon) == 1)
    wait_for(lambda: running(daemon) == 0)


def test_a_client_that_reads_one_byte_a_second_holds_up_nobody(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_SERVER_WRITE_TIMEOUT="2s")
    url = urlsplit(daemon.address)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((url.hostname, url.port))
    # log-probabilities fill the buffers between us sooner
    request = {
        **ENDLESS,
        "model": "llmd-tiny",
        "stream": True,
        "logprobs": True,
        "top_logprobs": 20,
    }
    body = json.dumps(request).encode()
    slow.sendall(
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    stop = threading.Event()

    def sip() -> None:
        while not stop.wait(1):
            try:
                if not slow.recv(1):
                    return
            except OSError:
                return

    sipping = threading.Thread(target=sip)
    sipping.start()
    wait_for(lambda: running(daemon) == 1)
    for _ in range(5):
        answer = daemon.call("POST", "/v1/chat/completions", chat("What is the capital of France?"))
        assert "Paris" in answer["choices"][0]["message"]["content"]
    # once the buffers are full no write gets through in two seconds, and it is dropped
    wait_for(lambda: running(daemon) == 0, 60)
    stop.set()
    sipping.join()
    slow.close()


async def test_two_hundred_connections_at_once_all_get_their_answer(daemon: Daemon) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> str:
            body = {**chat("What is the capital of France?"), "stream": bool(number % 2)}
            async with session.post(f"{daemon.address}/v1/chat/completions", json=body) as response:
                text = await response.text()
                assert response.status == 200, text
                return text

        texts = await asyncio.gather(*(one(number) for number in range(200)))
    assert all("Paris" in text for text in texts)


def test_a_body_of_fifty_megabytes_is_413(daemon: Daemon) -> None:
    url = urlsplit(daemon.address)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", b"x" * 50_000_000)
    response = connection.getresponse()
    error = json.loads(response.read())["error"]
    assert (response.status, error["code"]) == (413, "body_too_large")
    connection.close()


@pytest.mark.parametrize(
    "body", ["{", "[]", "null", '"text"', "\x00", '{"messages": 1}', "[" * 100_000]
)
def test_nonsense_is_400_in_the_dialects_shape(daemon: Daemon, body: str) -> None:
    url = urlsplit(daemon.address)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", body)
    response = connection.getresponse()
    error = json.loads(response.read())["error"]
    assert response.status == 400
    assert error["type"] == "invalid_request_error"
    connection.close()


def test_a_foreign_host_name_is_refused(daemon: Daemon) -> None:
    url = urlsplit(daemon.address)
    for host, status in (("evil.example", 403), ("localhost:8000", 200), ("127.0.0.1", 200)):
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)
        connection.request("GET", "/health", headers={"Host": host})
        assert connection.getresponse().status == status
        connection.close()


def test_control_calls_do_not_exist_on_tcp(daemon: Daemon) -> None:
    url = urlsplit(daemon.address)
    for path in ("/control/status", "/control/ps"):
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()


def test_a_long_prefill_is_bridged_with_comments(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_ENGINE_PARALLEL="1", LLMD_SERVER_PING_INTERVAL="1s")
    first = daemon.open_stream(ENDLESS)
    next(first.text())
    waiting = daemon.open_stream(ENDLESS)
    assert waiting.status == 200
    waiting.response.readline()  # the opening chunk
    # where it stands in the line is told too
    while (line := waiting.response.readline()) == b"\n" or line.startswith(b": queued"):
        pass
    assert line == b": ping\n"
    first.close()
    waiting.close()
