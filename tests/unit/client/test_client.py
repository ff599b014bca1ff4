from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from llmd.client.client import Client
from llmd.errors import ContextOverflow, DaemonUnreachable, InvalidRequest, LlmdError, ModelNotFound
from tests.fakes.daemon import FakeDaemon

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "hi"}], "stream": True}


def test_get_post_and_delete_return_dicts(daemon: FakeDaemon) -> None:
    client = Client(daemon.path)
    assert client.get("/control/ps") == {"models": []}
    assert client.post("/control/unload", {"model": "llmd-tiny"}) == {"unloaded": ["llmd-tiny"]}
    assert client.delete("/control/models/llmd-tiny")["removed"] == "llmd-tiny"
    assert [method for method, _, _ in daemon.asked] == ["GET", "POST", "DELETE"]


def test_the_daemons_error_arrives_as_itself(daemon: FakeDaemon) -> None:
    with pytest.raises(ModelNotFound, match=r"There is no model nope\. `llmd ls`"):
        Client(daemon.path).get("/control/models/nope")


def test_an_openai_error_arrives_as_itself_too(daemon: FakeDaemon) -> None:
    daemon.failures[CHAT] = ContextOverflow("Too long.", param="messages", needed=9)
    with pytest.raises(ContextOverflow, match="Too long") as caught:
        Client(daemon.path).stream_events(CHAT, QUESTION)
    assert (caught.value.param, caught.value.details) == ("messages", {"needed": 9})


def test_nobody_there_is_unreachable(socket_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="not running"):
        Client(socket_path).get("/control/ps")


def test_lines_stream(daemon: FakeDaemon) -> None:
    with Client(daemon.path).stream_lines("/control/load", {"model": None}) as stream:
        assert [event["status"] for event in stream] == ["loading", "ready"]


def test_events_stream(daemon: FakeDaemon) -> None:
    with Client(daemon.path).stream_events(CHAT, QUESTION) as stream:
        texts = [
            choice["delta"].get("content", "") for chunk in stream for choice in chunk["choices"]
        ]
    assert "".join(texts) == "The capital of France is Paris."


def test_leaving_a_stream_early_is_seen_by_the_daemon(daemon: FakeDaemon) -> None:
    daemon.pieces, daemon.pause = ["x"] * 10_000, 0.005
    with Client(daemon.path).stream_events(CHAT, QUESTION) as stream:
        next(iter(stream))
    assert daemon.left.wait(5)


def test_a_failure_in_mid_stream_is_raised_where_it_happens(daemon: FakeDaemon) -> None:
    daemon.failure_after = LlmdError("The worker died.", hint="Try again.")
    with Client(daemon.path).stream_events(CHAT, QUESTION) as stream:
        objects = iter(stream)
        assert next(objects)
        with pytest.raises(LlmdError, match=r"died\. Try again"):
            next(objects)


def test_a_connection_cut_in_mid_stream_is_unreachable(daemon: FakeDaemon) -> None:
    daemon.cut = True
    with (
        Client(daemon.path).stream_events(CHAT, QUESTION) as stream,
        pytest.raises(DaemonUnreachable),
    ):
        list(stream)


def test_a_daemon_that_hangs_is_given_up_after_the_timeout(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(socket_path))
        silent.listen()
        with pytest.raises(DaemonUnreachable, match="in time"):
            Client(socket_path, timeout=0.05).get("/control/status")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n{}", "502"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "something else than JSON"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nhi", "something else than JSON"),
        (b"SSH-2.0-OpenSSH\r\n", "before the answer was complete"),
    ],
)
def test_a_stranger_on_the_socket_is_told_apart(
    socket_path: Path, answer: bytes, words: str
) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(socket_path))
        stranger.listen()

        def reply() -> None:
            with stranger.accept()[0] as connection:
                connection.recv(10_000)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(LlmdError, match=words):
            Client(socket_path, timeout=5).get("/control/status")
        thread.join()


def test_who_wants_to_know_is_told_of_each_call(daemon: FakeDaemon) -> None:
    told: list[str] = []
    client = Client(daemon.path, told=lambda call, seconds: told.append(f"{call} {seconds >= 0}"))
    client.get("/control/ps")
    with pytest.raises(ModelNotFound):
        client.get("/control/models/nope")
    assert told == ["GET /control/ps 200 True", "GET /control/models/nope 404 True"]


def test_text_that_cannot_be_sent_is_an_invalid_request(daemon: FakeDaemon) -> None:
    with pytest.raises(InvalidRequest, match="no text in UTF-8"):
        Client(daemon.path).post("/control/unload", {"model": "caf\udce9"})
    assert daemon.asked == []
