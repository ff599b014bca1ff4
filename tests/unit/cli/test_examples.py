from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from llmd.cli import examples
from llmd.cli.commands import application
from tests.unit.cli.conftest import Llmd

ROOT: Any = typer.main.get_command(application())
_FILES = {"style.gguf", "model.gguf", "report.md", "plan.png", "person.json", "Modelfile"}


def leaves(command: Any, path: str = "") -> dict[str, Any]:
    """All commands that do something, by what is typed behind `llmd`."""
    if not hasattr(command, "commands"):
        return {path: command}
    found: dict[str, Any] = {}
    for name, below in command.commands.items():
        found |= leaves(below, f"{path} {name}".strip())
    return found


LEAVES = leaves(ROOT)
LINES = [line for name in sorted(examples.commands()) for line in examples.of(name)]


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_has_help_and_an_example_of_itself(name: str) -> None:
    assert LEAVES[name].help
    assert any(f"llmd {name}" in line for line in examples.of(name))


def test_examples_are_of_commands_that_exist() -> None:
    assert sorted(examples.commands() - set(LEAVES)) == []


def calls(line: str) -> list[list[str]]:
    """The arguments of each llmd in a line of shell."""
    if line.startswith("eval "):
        line = line.removeprefix('eval "$(').removesuffix(')"')
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in lexer:
        if word in {"|", "<", ">"}:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part[1:] for part in parts if part[:1] == ["llmd"]]


@pytest.mark.parametrize("line", LINES)
def test_every_example_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in _FILES:
        (tmp_path / file).touch()
    found = calls(line)
    assert found
    for words in found:
        command, name, rest = ROOT, "", list(words)
        while hasattr(command, "commands"):
            name = rest.pop(0)
            command = command.commands[name]
        assert command.make_context(name, rest).params is not None


@pytest.mark.parametrize("line", [("pull",), ("keys", "add"), ("service", "install")])
def test_help_shows_them_as_they_are_typed(llmd: Llmd, line: tuple[str, ...]) -> None:
    shown = llmd(*line, "--help").out
    for example in examples.of(" ".join(line)):
        assert f"\n  {example}\n" in shown


BY_THEMSELVES = {
    "start": "starts it",
    "serve": "is it",
    "restart": "starts it",
    "stop": "has nothing to do then",
    "tui": "wants a terminal first",
    "top": "as tui",
    "logs": "reads a file",
    "config show": "reads a file",
    "config get": "reads a file",
    "config set": "writes a file",
    "config unset": "writes a file",
    "config path": "reads nothing",
    "env": "tells where it will be",
    "completion": "knows it all",
    "doctor": "finds out why",
    "service install": "asks systemd or launchd",
    "service remove": "asks systemd or launchd",
    "service status": "asks systemd or launchd",
}
"""Commands that do without a daemon."""


@pytest.mark.parametrize("name", sorted(set(LEAVES) - set(BY_THEMSELVES)))
def test_without_a_daemon_every_other_command_says_so_and_what_to_do(
    llmd: Llmd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in _FILES:
        (tmp_path / file).touch()
    words = next(words for line in examples.of(name) for words in calls(line))
    more = ["--password-stdin"] if name in {"users add", "users passwd"} else []
    result = llmd(*words, *more, stdin="a long password\n")
    assert result == (3, "", "Error: The daemon is not running. Start it with `llmd start`.\n")


ALONE = {
    "completion": "prints a script",
    "config get": "reads a file",
    "config path": "reads no more than the environment",
    "config set": "writes a file",
    "config unset": "writes a file",
    "config show": "reads a file",
    "doctor": "tells that there is no daemon",
    "env": "reads no more than the environment",
    "logs": "reads a file",
    "restart": "starts one, with LLMD_NO_AUTOSTART too",
    "serve": "is the daemon",
    "service install": "asks the service manager",
    "service remove": "asks the service manager",
    "service status": "asks the service manager",
    "start": "starts one",
    "stop": "has nothing to do",
    "top": "shows that there is no daemon",
    "tui": "shows that there is no daemon",
}
"""Commands that do without a daemon, and why."""


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - ALONE.keys()))
def test_every_command_says_when_there_is_no_daemon(
    llmd: Llmd, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in _FILES:
        (tmp_path / file).write_text("{}")
    typed = [call for line in examples.of(name) for call in calls(line)]
    first = next(call for call in typed if " ".join(call).startswith(name))
    asks = ["--password-stdin"] if "password_stdin" in _parameters(name) else []
    result = llmd(*first, *asks, stdin="a long enough password\n")
    assert (result.code, result.out) == (3, "")
    assert result.err == "Error: The daemon is not running. Start it with `llmd start`.\n"


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_refuses_what_it_does_not_know(llmd: Llmd, name: str) -> None:
    result = llmd(*name.split(), "--nonsense")
    assert (result.code, result.out) == (2, "")
    # what `config set` is given may begin with a dash, so there it is an argument too few
    wrong = "Missing argument" if name == "config set" else "No such option: --nonsense"
    assert f"Error: {wrong}" in result.err


def _parameters(name: str) -> set[str]:
    return {parameter.name for parameter in LEAVES[name].params}
