from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from llmd.cli.main import run
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


COMMANDS = {
    "rm llmd-tiny": "/control/models/llmd-tiny",
    "adapters rm llmd-tiny style": "/control/adapters/remove",
    "users rm ada": "/control/users/ada",
    "keys rm editor": "/control/keys/editor",
}


def prepare(daemon: FakeDaemon) -> None:
    daemon.answers["/control/users/ada"] = {"removed": "ada"}
    daemon.answers["/control/keys/editor"] = {"removed": "llmd_ab"}


@pytest.mark.parametrize(("line", "path"), COMMANDS.items())
def test_what_cannot_be_undone_is_asked_for_in_a_terminal(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_terminal: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    path: str,
) -> None:
    prepare(daemon)
    pretend_terminal()

    def changed(answer: str, *more: str) -> bool:
        daemon.asked.clear()
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        run([*line.split(), *more])
        return any(method != "GET" and asked == path for method, asked, _ in daemon.asked)

    assert not changed("n\n")
    assert not changed("")  # the end of input is no yes
    assert changed("y\n")
    assert changed("", "--yes")


@pytest.mark.parametrize("line", COMMANDS)
def test_scripts_are_not_asked(llmd: Llmd, daemon: FakeDaemon, line: str) -> None:
    prepare(daemon)
    assert llmd(*line.split()).code == 0


def test_a_conversation_is_named_before_it_goes(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_terminal: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = daemon.kept.answer("POST", "/control/sessions", {"title": "Trip", "model": ""})
    pretend_terminal()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run(["sessions", "rm", made["id"]]) == 1
    assert "Delete Trip?" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert run(["sessions", "rm", made["id"], "--yes"]) == 0


def test_ctrl_c_at_a_question_is_130_and_no_is_1(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_terminal: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(Terminal):
        def readline(self, size: int | None = -1, /) -> str:
            raise KeyboardInterrupt

    pretend_terminal()
    for stdin, code in ((Interrupted(), 130), (Terminal("n\n"), 1), (Terminal(""), 1)):
        monkeypatch.setattr("sys.stdin", stdin)
        assert run(["rm", "llmd-tiny"]) == code
