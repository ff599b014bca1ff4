from __future__ import annotations

import stat
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from llmd.cli.editor import ChatCompleter, Editor, cleaned, open_history, unfinished
from llmd.errors import DaemonUnreachable


def typed(keys: str, history: Path) -> str:
    with create_pipe_input() as keyboard:
        keyboard.send_text(keys)
        return Editor(history, list, source=keyboard, screen=DummyOutput()).read()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("hello\r", "hello"),
        ("one\x1b\rtwo\r", "one\ntwo"),
        ("one\\\rtwo\r", "one\ntwo"),
        ('"""\rone\r\rtwo\r"""\r', "one\n\ntwo"),
        ("\x1b[200~pasted\nlines\x1b[201~\r", "pasted\nlines"),
    ],
)
def test_messages_of_one_and_of_several_lines(keys: str, message: str, tmp_path: Path) -> None:
    assert typed(keys, tmp_path / "history") == message


def test_control_d_ends_and_control_c_drops_the_line(tmp_path: Path) -> None:
    with pytest.raises(EOFError):
        typed("\x04", tmp_path / "history")
    with pytest.raises(KeyboardInterrupt):
        typed("half a line\x03", tmp_path / "history")


def test_history_stays_over_sessions_and_is_private(tmp_path: Path) -> None:
    history = tmp_path / "state" / "history"
    typed("first\r", history)
    assert typed("\x1b[A\r", history) == "first"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_a_history_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "history").touch(mode=0o644)
    open_history(tmp_path / "history")
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "open_"),
    [("a\\", True), ('"""a', True), ('"""a"""', False), ("a", False), ("", False)],
)
def test_some_lines_go_on(text: str, open_: bool) -> None:
    assert unfinished(text) is open_


def test_quotes_inside_a_message_stay() -> None:
    assert cleaned('say """x""" twice') == 'say """x""" twice'
    assert cleaned('"""') == '"""'


def completions(text: str, models: list[str] | None = None) -> list[str]:
    def names() -> list[str]:
        if models is None:
            raise DaemonUnreachable("gone")
        return models

    completer = ChatCompleter(names)
    return [found.text for found in completer.get_completions(Document(text), CompleteEvent())]


def test_commands_models_and_files_are_completed(tmp_path: Path) -> None:
    (tmp_path / "talk.json").touch()
    assert completions("/s", []) == ["/system", "/set", "/save"]
    assert completions("/model q", ["qwen", "llmd-tiny"]) == ["qwen"]
    assert completions(f"/load {tmp_path}/ta", []) == ["lk.json"]
    assert completions("hello /s", []) == []
    assert completions("/model ", None) == []


def test_without_a_history_nothing_that_is_typed_outlasts_the_editor() -> None:
    with create_pipe_input() as keyboard:
        editor = Editor(None, list, source=keyboard, screen=DummyOutput())
        keyboard.send_text("secret\r")
        assert editor.read() == "secret"
        keyboard.send_text("\x1b[A\r")
        assert editor.read() == "secret"


def test_what_follows_a_command_is_completed(tmp_path: Path) -> None:
    (tmp_path / "plan.png").touch()
    assert completions("/set top", []) == ["top_p", "top_k"]
    assert completions("/think o", []) == ["on", "off"]
    for command in ("/image", "/file"):
        assert completions(f"{command} {tmp_path}/pl", []) == ["an.png"]
