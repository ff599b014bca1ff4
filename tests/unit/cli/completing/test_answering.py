from __future__ import annotations

import subprocess
import sys

import pytest

from llmd.cli.completing.answering import main
from tests.fakes.daemon import TINY, FakeDaemon


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("shell", ["fish", "zsh"])
def test_fish_and_zsh_get_words_and_their_meaning(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    assert answer(capsys, shell, "show", "llmd-t") == ["llmd-tiny\tchat Q8_0"]
    assert answer(capsys, shell, "run", "--model=llmd") == ["--model=llmd-tiny\tchat Q8_0"]
    assert answer(capsys, shell, "stat") == [
        "status\tShow how the daemon is; exit code 3 when it is not running"
    ]


def test_bash_gets_what_stands_behind_a_break(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.models.append({**TINY, "name": "work:q4_0"})
    assert answer(capsys, "bash", "llmd rm work:", " :=") == ["q4_0"]
    assert answer(capsys, "bash", "llmd rm work:", " ") == ["work:q4_0"]
    assert answer(capsys, "bash", "llmd rm 'work:", " :=") == ["work:q4_0"]
    assert answer(capsys, "bash", "llmd run --model=wo", " :=") == ["work:q4_0"]


def test_names_with_blanks_are_quoted_for_bash(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "1f0c2233-aaaa", "title": "My trip"}
    path = "/control/sessions?active_only=false&limit=100"
    daemon.answers[path] = {"sessions": [row]}
    assert answer(capsys, "bash", "llmd chat --session ", ":") == ["My\\ trip"]
    assert answer(capsys, "bash", 'llmd chat --session "My', ":") == ["My trip"]
    assert answer(capsys, "fish", "chat", "--session", "My\\ t") == ["My trip\t1f0c2233"]


@pytest.mark.usefixtures("paths")
def test_files_are_left_to_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "zsh", "run", "--file", "") == ["\tfiles"]
    assert answer(capsys, "zsh", "show", "./x") == ["\tfiles"]
    assert answer(capsys, "zsh", "show", "qwen3-4b") == [
        line for line in answer(capsys, "zsh", "pull", "qwen3-4b") if line
    ]


@pytest.mark.usefixtures("paths")
@pytest.mark.parametrize(
    "arguments", [(), ("bash",), ("zsh",), ("tcsh", "a", "b"), ("bash", "", "")]
)
def test_whatever_is_wrong_is_said_to_nobody(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""


def test_a_tab_imports_neither_typer_nor_the_client(daemon: FakeDaemon) -> None:
    listing = (
        "import sys; sys.argv = ['llmd', '__complete', 'fish', 'show', 'll']\n"
        "from llmd.cli.completing import names; names.PATIENCE = 30\n"
        "from llmd.__main__ import main\nassert main() == 0\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    assert "llmd-tiny" in result.stdout
    heavy = {
        "typer",
        "msgspec",
        "http",
        "importlib.metadata",
        "pydantic",
        "rich",
        "asyncio",
        "email",
    }
    assert not heavy & set(result.stdout.rpartition("MODULES")[2].split())
