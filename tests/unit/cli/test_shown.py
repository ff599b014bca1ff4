from __future__ import annotations

import subprocess
import sys

import pytest

from llmd.cli.main import run
from llmd.cli.shown import PANELS, brief
from tests.unit.cli.conftest import Llmd


def test_commands_are_grouped_by_what_they_are_for(llmd: Llmd) -> None:
    shown = llmd("--help").out
    places = [shown.index(f"\n{panel}:\n") for panel in PANELS]
    assert places == sorted(places)
    assert places[0] < shown.index("\n  chat ") < places[1]
    assert places[4] < shown.index("\n  users ") < places[5]
    assert "\nCommands:" not in shown


def test_types_are_plain_words(llmd: Llmd) -> None:
    shown = llmd("run", "--help").out
    assert "--model TEXT" in shown
    assert "--max-tokens N" in shown
    assert "--file FILE" in shown
    assert "list[" not in shown
    assert "<error|truncate|shift>" in shown


def test_arguments_have_one_name_in_usage_and_list(llmd: Llmd) -> None:
    shown = llmd("show", "--help").out
    assert shown.startswith("Usage: llmd show [OPTIONS] MODEL\n")
    assert "\n  MODEL  " in shown
    assert llmd("rm", "--help").out.startswith("Usage: llmd rm [OPTIONS] MODEL...\n")
    assert "{" not in llmd("keys", "limit", "--help").out


def test_commands_of_a_group_are_listed(llmd: Llmd) -> None:
    shown = llmd("config", "--help").out
    assert "\nCommands:\n" in shown
    assert "\n  get " in shown


def test_a_brief_is_the_first_clause() -> None:
    assert brief("Stop the daemon; running answers may finish.") == "Stop the daemon"
    assert brief("Show qwen2.5: all of\n  it.") == "Show qwen2.5"


@pytest.mark.parametrize("command", ["ps", "ls", "status"])
def test_a_command_with_flags_alone_does_not_need_pydantic(command: str) -> None:
    code = (
        f"from llmd.cli.main import run; run([{command!r}, '--no-start'])"
        if command != "status"
        else "from llmd.cli.main import run; run(['status'])"
    )
    listing = f"{code}\nimport sys; print('MODULES', *sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", listing],
        capture_output=True,
        text=True,
        check=True,
        env={"LLMD_HOME": "/nonexistent/llmd", "LLMD_NO_AUTOSTART": "1", "PATH": "/usr/bin"},
    )
    assert "pydantic" not in result.stdout.rpartition("MODULES")[2].split()


def test_help_still_works_with_its_light_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ps", "-h"]) == 0
    assert "Examples:\n  llmd ps\n" in capsys.readouterr().out
