from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from llmd.cli import commands
from llmd.cli.commands import application, names
from llmd.cli.shown import PANELS
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_every_command_of_the_table_is_there() -> None:
    root = typer.main.get_command(application())
    assert set(root.commands) == names()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(names()))
def test_each_can_be_had_alone(llmd: Llmd, name: str) -> None:
    assert set(typer.main.get_command(application(name)).commands) == {name}  # type: ignore[attr-defined]
    result = llmd(name, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: llmd {name} ")


def test_the_panels_are_those_that_help_knows() -> None:
    assert tuple(commands._COMMANDS) == PANELS


def test_a_command_is_read_without_the_others(daemon: FakeDaemon) -> None:
    code = (
        "from llmd.cli.main import run; run(['ps', '--json']); import sys; print('M', *sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = result.stdout.rpartition("M ")[2].split()
    assert "llmd.cli.loaded" in loaded
    assert not {"llmd.cli.chat", "llmd.cli.bench", "llmd.cli.service"} & set(loaded)


@pytest.mark.parametrize("line", [("-q", "ps"), ("--verbose", "ps")])
def test_options_may_stand_before_the_command(
    llmd: Llmd, daemon: FakeDaemon, line: tuple[str, ...]
) -> None:
    assert llmd(*line).code == 0


def test_an_option_that_nobody_knows_is_wrong_usage(llmd: Llmd) -> None:
    assert llmd("--nonsense").code == 2
