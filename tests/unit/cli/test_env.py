from __future__ import annotations

import subprocess

import pytest

from llmd.cli.env import ShellChoice, line, used
from llmd.config.paths import Paths
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_a_shell_can_set_what_is_printed(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("env", "--shell", "sh")
    shown = subprocess.run(
        ["sh", "-c", f"{result.out} echo $OPENAI_BASE_URL $OPENAI_API_KEY"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "http://127.0.0.1:8000/v1 llmd\n"
    assert llmd("env", "--shell", "fish").out.startswith("set -gx OPENAI_BASE_URL 'http:")


def test_programs_get_json(llmd: Llmd, daemon: FakeDaemon) -> None:
    expected = {"OPENAI_BASE_URL": "http://127.0.0.1:8000/v1", "OPENAI_API_KEY": "llmd"}
    assert llmd("env", "--json").json == expected


def test_without_a_daemon_it_tells_what_will_be(
    llmd: Llmd, monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    monkeypatch.setenv("LLMD_PORT", "9999")
    assert "http://127.0.0.1:9999/v1" in llmd("env", "--shell", "sh").out
    assert not paths.socket.exists()


def test_where_keys_are_wanted_none_is_made_up(
    llmd: Llmd, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMD_SECURITY_MODE", "keys")
    result = llmd("env", "--shell", "sh")
    assert "OPENAI_API_KEY" not in result.out
    assert "llmd keys add" in result.err


def test_the_shell_in_use_decides_on_the_syntax() -> None:
    assert used("/usr/bin/fish") is ShellChoice.FISH
    assert used("/bin/zsh") is used("") is ShellChoice.SH
    assert line("A", "b", ShellChoice.SH) == "export A='b'"
