from __future__ import annotations

import os
import signal

import pytest

from llmd.config.paths import Paths
from llmd.errors import WorkerDied
from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd, Terminal

CHAT = "/v1/chat/completions"
TEXT = "The capital of France is Paris."


def test_lines_of_a_pipe_are_questions_and_commands(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("chat", "-t", "0", "-s", "Be brief.", stdin="First?\n\n/model\nSecond?\n")
    assert result == (0, f"{TEXT}\n* llmd-tiny\n{TEXT}\n", "")
    body = daemon.body(CHAT)
    assert [message["content"] for message in body["messages"]] == [
        "Be brief.",
        "First?",
        TEXT,
        "Second?",
    ]
    assert body["temperature"] == 0


def test_leaving_ends_a_piped_chat_early(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("chat", stdin="/exit\nFirst?\n") == (0, "", "")
    assert CHAT not in [path for _, path, _ in daemon.asked]


def test_a_failure_in_a_piped_chat_shows_in_the_exit_code(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.failures[CHAT] = WorkerDied("The worker died.")
    assert llmd("chat", stdin="First?\n") == (1, "", "Error: The worker died.\n")


def test_the_model_may_be_named(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models += [{**TINY, "name": "a/b:c"}, {**TINY, "name": "newest"}]
    assert llmd("chat", "a/b:c", stdin="First?\n").code == 0
    assert daemon.body(CHAT)["model"] == "a/b:c"
    assert llmd("chat", "nope", stdin="First?\n").code == 4


def test_a_conversation_on_a_terminal(terminal: Terminal, daemon: FakeDaemon) -> None:
    screen = terminal("chat")
    screen.expect("llmd-tiny listens")
    screen.expect("demonstration model")
    screen.expect(">>>")
    screen.type("What is it?\r")
    screen.expect(TEXT)
    screen.expect("20.0 tok/s")
    screen.expect(">>>")
    daemon.pieces, daemon.pause = ["word "] * 10_000, 0.005
    screen.type("Tell me.\r")
    screen.expect("word word")
    os.kill(screen.process.pid, signal.SIGINT)
    screen.expect("stopped")
    screen.expect(">>>")
    assert daemon.left.wait(5)
    screen.type("\x04")
    screen.expect("llmd chat --session")
    assert screen.process.wait(timeout=10) == 0
    (session,) = daemon.kept.sessions
    kept = daemon.kept.messages[session["id"]]
    assert [line["content"] for line in kept[:3]] == ["What is it?", TEXT, "Tell me."]
    assert kept[3]["metadata_info"]["finish_reason"] == "stopped"


def test_a_piped_chat_is_kept_only_when_it_has_a_session(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("chat", stdin="First?\n").code == 0
    assert daemon.kept.sessions == []
    assert llmd("chat", "--session", "Trip", stdin="First?\n").code == 0
    assert llmd("chat", "--session", "Trip", stdin="Second?\n") == (0, f"{TEXT}\n", "")
    assert [one["title"] for one in daemon.kept.sessions] == ["Trip"]
    sent = [message["content"] for message in daemon.body(CHAT)["messages"]]
    assert sent == ["First?", TEXT, "Second?"]


def test_a_session_goes_on_with_its_model(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.insert(0, {**TINY, "name": "other"})
    session = daemon.kept.make("Trip", ("user", "Who?"), ("assistant", "Me."), model="other")
    llmd("chat", "--session", session[:8], stdin="Where?\n")
    assert daemon.body(CHAT)["model"] == "other"
    llmd("chat", "llmd-tiny", "--session", "Trip", "-s", "Be brief.", stdin="Where?\n")
    assert daemon.body(CHAT)["model"] == "llmd-tiny"
    assert daemon.body(CHAT)["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_model_that_is_gone_is_replaced_and_told(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.kept.make("Trip", ("user", "Who?"), ("assistant", "Me."), model="gone")
    result = llmd("chat", "--session", "Trip", stdin="Where?\n")
    assert "gone, which answered before, is not here any more" in result.err
    assert daemon.body(CHAT)["model"] == "llmd-tiny"


def test_an_unknown_session_id_is_a_mistake(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("chat", "--session", "00000000-0000-4000-8000-000000000000", stdin="Hi\n")
    assert (result.code, result.out) == (1, "")
    assert "There is no session" in result.err


def test_a_piped_chat_ends_where_a_line_is_no_utf_8(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("chat", stdin=b"caf\xe9\n")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no text in UTF-8" in result.err


def test_the_model_may_be_named_as_other_commands_have_it(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "newest"})
    assert llmd("chat", "-m", "llmd-tiny", stdin="First?\n").code == 0
    assert daemon.body(CHAT)["model"] == "llmd-tiny"
    assert llmd("chat", "newest", "-m", "llmd-tiny", stdin="First?\n").code == 2


@pytest.mark.parametrize("keeping", ["--keep", "--no-keep"])
def test_what_is_typed_is_remembered_only_where_it_is_kept(
    terminal: Terminal, daemon: FakeDaemon, paths: Paths, keeping: str
) -> None:
    screen = terminal("chat", keeping)
    screen.expect(">>>")
    screen.type("my secret\r")
    screen.expect(TEXT)
    screen.expect(">>>")
    screen.type("\x04")
    assert screen.process.wait(timeout=10) == 0
    assert paths.history_file.exists() == bool(daemon.kept.sessions) == (keeping == "--keep")
