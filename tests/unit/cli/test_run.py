from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmd.cli.answer import BUILT_IN_NOTICE
from llmd.errors import ContextOverflow, LlmdError
from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd, Terminal

CHAT = "/v1/chat/completions"
TEXT = "The capital of France is Paris."


def test_prints_the_answer_and_says_that_the_model_is_a_demonstration(
    llmd: Llmd, daemon: FakeDaemon
) -> None:
    assert llmd("run", "What is the capital of France?") == (0, f"{TEXT}\n", f"{BUILT_IN_NOTICE}\n")
    assert daemon.body(CHAT)["messages"] == [
        {"role": "user", "content": "What is the capital of France?"}
    ]


def test_a_real_model_gets_no_notice(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "real"})
    assert llmd("run", "hello").err == ""


def test_options_reach_the_daemon(llmd: Llmd, daemon: FakeDaemon) -> None:
    options = "-m m -s be-brief -t 0.5 --top-k 3 --top-p 0.9 --min-p 0.1 --seed 7 -n 9 --stop a --stop b --no-think"
    assert llmd("run", *options.split(), "--overflow", "shift", "hello").code == 0
    body = daemon.body(CHAT)
    assert body["messages"][0] == {"role": "system", "content": "be-brief"}
    del body["messages"]
    assert body == {
        "model": "m",
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.9,
        "min_p": 0.1,
        "seed": 7,
        "max_tokens": 9,
        "stop": ["a", "b"],
        "context_overflow": "shift",
        "chat_template_kwargs": {"enable_thinking": False},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_json_is_one_object(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("run", "--json", "hello")
    assert result.json == {
        "text": TEXT,
        "model": "llmd-tiny",
        "finish_reason": "stop",
        "usage": daemon.usage,
    }
    assert result.err == ""


def test_an_answer_may_come_whole_with_statistics(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("run", "--no-stream", "--stats", "hello")
    assert result.out == f"{TEXT}\n"
    assert "20.0 tok/s" in result.err
    assert daemon.asked


def test_an_answer_cut_by_the_limit_says_so(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.finish_reason = "length"
    assert "--max-tokens or the context" in llmd("run", "hello").err


def test_an_answer_that_ends_a_line_gets_no_second_end(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.pieces = ["code\n"]
    assert llmd("run", "hello").out == "code\n"


def test_a_refusal_is_shown_with_its_hint(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.failures[CHAT] = ContextOverflow('Too long. Send "x".', needed=9, available=5)
    result = llmd("run", "hello")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "Error: That takes 9 tokens, but the context of this model holds 5. "
        "Shorten it, or have it cut: --overflow truncate.\n"
    )


def test_a_failure_in_mid_answer_leaves_what_came_and_fails(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.failure_after = LlmdError("The worker died.")
    assert llmd("run", "hello") == (1, "The capital \n", "Error: The worker died.\n")


def test_generate_continues_a_text(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("generate", "-t", "0", "Once", "upon").out == f"{TEXT}\n"
    body = daemon.body("/v1/completions")
    assert (body["prompt"], body["temperature"]) == ("Once upon", 0)


@pytest.mark.usefixtures("paths")
def test_ctrl_c_closes_the_stream_and_is_130(daemon: FakeDaemon) -> None:
    daemon.pieces, daemon.pause = ["word "] * 10_000, 0.005
    with subprocess.Popen(
        [sys.executable, "-m", "llmd", "run", "hello"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout
        assert command.stdout.read(5) == b"word "
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=20)
    assert command.returncode == 130
    assert out.endswith(b"\n")
    assert err == b""
    assert daemon.left.wait(5)


@pytest.mark.parametrize(("command", "path"), [("run", CHAT), ("generate", "/v1/completions")])
def test_adapters_reach_the_daemon(llmd: Llmd, daemon: FakeDaemon, command: str, path: str) -> None:
    assert llmd(command, "--adapter", "style=0.5", "hello").code == 0
    assert daemon.body(path)["adapters"] == [{"name": "style", "scale": 0.5}]
    assert llmd(command, "--adapter", "style=x", "hello").code == 2


def test_files_stand_before_the_prompt(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("All is well.\n", encoding="utf-8")
    assert llmd("run", "-f", str(tmp_path / "report.md"), "Summarise it.", stdin="").code == 0
    assert daemon.body(CHAT)["messages"] == [
        {"role": "user", "content": "All is well.\n\nSummarise it."}
    ]


def test_a_file_alone_is_a_prompt(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("Who are you?")
    assert llmd("run", "-f", str(tmp_path / "q.txt")).code == 0
    assert daemon.body(CHAT)["messages"][0]["content"] == "Who are you?"


def test_a_model_may_come_before_the_words_about_a_file(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path
) -> None:
    (tmp_path / "q.txt").write_text("Who are you?")
    assert llmd("run", "llmd-tiny", "-f", str(tmp_path / "q.txt")).code == 0
    assert daemon.body(CHAT)["model"] == "llmd-tiny"


def test_pictures_and_a_schema_reach_the_daemon(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path
) -> None:
    (tmp_path / "plan.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "rooms.json").write_text('{"type": "integer"}')
    picture, form = str(tmp_path / "plan.png"), str(tmp_path / "rooms.json")
    assert llmd("run", "--image", picture, "--schema", form, "How many rooms?").code == 0
    body = daemon.body(CHAT)
    assert [part["type"] for part in body["messages"][0]["content"]] == ["image_url", "text"]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "integer"}
    assert not body.keys() & {"tools", "tool_choice"}


@pytest.mark.parametrize("option", ["--file", "--image", "--schema"])
def test_a_file_that_is_not_there_is_wrong_usage(llmd: Llmd, option: str) -> None:
    result = llmd("run", option, "/nonexistent/x", "hi")
    assert result.code == 2
    assert "/nonexistent/x" in result.err


def test_a_picture_that_is_none_asks_nobody(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no picture")
    result = llmd("run", "--image", str(tmp_path / "x"), "hi")
    assert (result.code, result.out) == (1, "")
    assert "no picture that is known" in result.err


@pytest.mark.parametrize(
    "arguments", [("run", "Summarise:", "-"), ("run", "Summarise:"), ("generate",)]
)
def test_a_pipe_that_is_no_utf_8_is_refused_in_a_line(
    llmd: Llmd, daemon: FakeDaemon, arguments: tuple[str, ...]
) -> None:
    result = llmd(*arguments, stdin=b"caf\xe9")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Error: Standard input is no text in UTF-8.")
    assert result.err.count("\n") == 1


def test_a_prompt_that_is_no_utf_8_is_refused_in_a_line(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("run", "caf\udce9")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no text in UTF-8" in result.err


def test_a_models_name_alone_begins_a_chat_on_a_terminal(
    terminal: Terminal, daemon: FakeDaemon
) -> None:
    daemon.models.append({**TINY, "name": "newest"})
    screen = terminal("run", "llmd-tiny", "--system", "Be brief.", "-t", "0")
    screen.expect("llmd-tiny listens")
    screen.expect(">>>")
    screen.type("Where?\r")
    screen.expect(TEXT)
    body = daemon.body(CHAT)
    assert (body["model"], body["temperature"]) == ("llmd-tiny", 0)
    assert [one["content"] for one in body["messages"]] == ["Be brief.", "Where?"]


def test_a_model_to_be_fetched_is_named_alone_on_a_terminal(terminal: Terminal) -> None:
    terminal("run", "qwen-7b-chat").expect("There is no model qwen-7b-chat.")


@pytest.mark.parametrize("command", ["run llmd-tiny", "generate llmd-tiny", "run --json llmd-tiny"])
def test_a_models_name_alone_is_no_prompt(llmd: Llmd, daemon: FakeDaemon, command: str) -> None:
    result = llmd(*command.split())
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "Error: There is no prompt. `llmd chat llmd-tiny` talks with llmd-tiny.\n"
    )


@pytest.mark.parametrize("no_stream", [[], ["--no-stream"]])
def test_escape_sequences_reach_a_pipe_and_no_terminal(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_terminal: Callable[[], None],
    no_stream: list[str],
) -> None:
    daemon.models.append({**TINY, "name": "real"})
    daemon.pieces = ["a\x1b[2", "Jb"]
    assert llmd("run", *no_stream, "hello").out == "a\x1b[2Jb\n"
    pretend_terminal()
    assert llmd("run", *no_stream, "hello").out == "a[2Jb\n"


def test_reasoning_is_not_dimmed_where_colours_are_unwelcome(
    llmd: Llmd,
    daemon: FakeDaemon,
    monkeypatch: pytest.MonkeyPatch,
    pretend_terminal: Callable[[], None],
) -> None:
    daemon.reasoning = ["Hm."]
    pretend_terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert llmd("run", "hello").out == f"\x1b[2mHm.\x1b[0m\n\n{TEXT}\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert llmd("run", "hello").out == f"Hm.\n\n{TEXT}\n"
