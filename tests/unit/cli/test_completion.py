from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.completion import ShellName, place
from llmd.cli.completions import script
from tests.unit.cli.conftest import Llmd


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize("shell", list(ShellName))
def test_the_script_is_printed_as_it_is(llmd: Llmd, shell: str) -> None:
    assert llmd("completion", shell) == (0, script(shell), "")


@pytest.mark.parametrize("shell", list(ShellName))
def test_installing_puts_it_where_the_shell_looks(llmd: Llmd, home: Path, shell: ShellName) -> None:
    target = place(shell, home)
    result = llmd("completion", shell, "--install")
    assert result.code == 0
    assert result.out.startswith(f"wrote {target}\n")
    assert target.read_text(encoding="utf-8") == script(shell)
    assert llmd("completion", shell, "--install").code == 0


def test_the_shell_in_use_is_meant_by_default(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert llmd("completion").out == script("fish")
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    result = llmd("completion")
    assert result.code == 1
    assert result.err == (
        "Error: There is no completion for tcsh. Name one that can be taught: bash, zsh or fish.\n"
    )


def test_directories_of_ones_own_are_honoured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/mine")
    assert place(ShellName.FISH, home) == Path("/etc/mine/fish/completions/llmd.fish")
