from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llmd.client import sleep
from tests.fakes.daemon import FakeDaemon
from tests.fakes.service_managers import FakeManager, shown
from tests.unit.cli.conftest import Llmd

UP = shown(socket="active enabled 0", service="active disabled 7")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, so that no real one gets a service."""
    home = tmp_path / "a home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(sleep, "_SYSTEM_WIDE", tmp_path / "etc")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    return home


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeManager:
    manager = FakeManager(tmp_path / "bin", "systemctl")
    monkeypatch.setenv("PATH", str(manager.folder))
    manager.answer({"--user show": shown()})
    return manager


def unit_files(home: Path) -> dict[str, str]:
    folder = home / ".config" / "systemd" / "user"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}


def test_install_writes_the_units_and_starts_the_socket(
    llmd: Llmd, systemctl: FakeManager, home: Path, tmp_path: Path
) -> None:
    result = llmd("service", "install")
    assert result.code == 0, result.err
    assert "it starts with the first connection or command" in result.out
    assert "loginctl enable-linger" in result.err
    assert f"Environment=LLMD_HOME={tmp_path}\n" in unit_files(home)["llmd.service"]
    assert f"ListenStream={os.environ['LLMD_SOCKET']}\n" in unit_files(home)["llmd.socket"]
    assert systemctl.calls() == [
        "systemctl --user daemon-reload",
        "systemctl --user enable llmd.socket",
        "systemctl --user start llmd.socket",
    ]
    systemctl.answer({"--user show": UP})
    assert llmd("service", "install").out == "llmd is installed as a service already, just so\n"
    assert len(systemctl.calls()) == 3


def test_settings_of_this_shell_alone_are_told_of(
    llmd: Llmd, systemctl: FakeManager, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("LLMD_ENGINE_THREADS", "3")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert "does not get HF_TOKEN, LLMD_ENGINE_THREADS of" in llmd("service", "install").err
    assert "hf_secret" not in "".join(unit_files(home).values())


def test_a_dry_run_changes_nothing(llmd: Llmd, systemctl: FakeManager, home: Path) -> None:
    result = llmd("service", "install", "--at-login", "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == (
        "would run systemctl --user start llmd.socket llmd.service"
    )
    assert (systemctl.calls(), unit_files(home)) == ([], {})


def test_a_daemon_that_runs_already_makes_room(
    llmd: Llmd, systemctl: FakeManager, daemon: FakeDaemon, tmp_path: Path
) -> None:
    lock = tmp_path / "state" / "daemon.lock"
    lock.parent.mkdir()
    lock.write_text(f"{os.getpid()} 0\n")
    assert "would stop the daemon" in llmd("service", "install", "--dry-run").out


def test_what_systemctl_complains_of_is_told(llmd: Llmd, systemctl: FakeManager) -> None:
    systemctl.answer({"--user start": (1, "", "Job for llmd.socket failed.\n")})
    result = llmd("service", "install")
    assert result.code == 1
    assert "failed: Job for llmd.socket failed. `journalctl --user -u llmd`" in result.err


def test_remove_takes_everything_away(llmd: Llmd, systemctl: FakeManager, home: Path) -> None:
    assert llmd("service", "remove").out == "llmd is not installed as a service\n"
    llmd("service", "install")
    assert "the service is removed" in llmd("service", "remove").out
    assert unit_files(home) == {}
    assert "systemctl --user disable --now llmd.socket llmd.service" in systemctl.calls()


def test_status_tells_how_the_service_is(llmd: Llmd, systemctl: FakeManager, home: Path) -> None:
    result = llmd("service", "status")
    assert (result.code, result.out) == (1, "llmd is not installed as a service of systemd\n")
    llmd("service", "install")
    assert "never: it is disabled" in llmd("service", "status").out
    systemctl.answer({"--user show": UP})
    result = llmd("service", "status")
    assert result.code == 0
    assert "with the first connection\n" in result.out
    assert "active, process 7" in result.out
    assert "journalctl" in result.out
    assert llmd("service", "status", "--json").json["pid"] == 7
    (home / ".config" / "systemd" / "user" / "llmd.service").write_text("old")
    assert "install it again" in llmd("service", "status").out


def test_status_keys_stay(llmd: Llmd, systemctl: FakeManager) -> None:
    assert set(llmd("service", "status", "--json").json) == {
        *("manager", "scope", "installed", "current", "files", "enabled", "at_login"),
        *("listening", "running", "state", "pid", "log"),
    }


def test_without_systemd_there_is_a_way(
    llmd: Llmd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("install", "remove", "status"):
        result = llmd("service", command)
        assert result.code == 1
        assert "This machine has no systemd. Have `llmd serve` run" in result.err


@pytest.mark.parametrize("command", ["install", "remove"])
def test_who_is_not_root_gets_a_script_for_root(llmd: Llmd, command: str) -> None:
    result = llmd("service", command, "--system")
    assert result.code == 0
    assert "Only root" in result.err
    assert "/etc/systemd/system/llmd.socket" in result.out
    assert "sudo" not in result.out
    assert subprocess.run(["sh", "-n"], input=result.out, text=True, check=False).returncode == 0
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-"], input=result.out, text=True, check=True)


def test_on_macos_an_agent_is_installed(
    llmd: Llmd, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    launchctl = FakeManager(tmp_path / "bin", "launchctl")
    launchctl.answer({"print gui/1000/llmd.daemon": (113, "", "Could not find service")})
    monkeypatch.setenv("PATH", str(launchctl.folder))
    assert "it starts with your session" in llmd("service", "install").out
    file = home / "Library" / "LaunchAgents" / "llmd.daemon.plist"
    with file.open("rb") as opened:
        assert plistlib.load(opened)["EnvironmentVariables"]["LLMD_HOME"] == str(tmp_path)
    assert launchctl.calls()[-1] == f"launchctl bootstrap gui/1000 {file}"
    result = llmd("service", "install", "--system")
    assert (result.code, "Leave --system out" in result.err) == (1, True)
