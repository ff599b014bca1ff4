from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.cli.steps import StopDaemon, Write, shown
from llmd.cli.systemd import Systemd
from llmd.errors import LlmdError
from tests.fakes.service_managers import FakeManager
from tests.fakes.service_managers import shown as units


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeManager:
    manager = FakeManager(tmp_path / "bin", "systemctl")
    monkeypatch.setenv("PATH", str(manager.folder))
    manager.answer({"--user show": units(), "show": units()})
    return manager


@pytest.fixture
def files(tmp_path: Path) -> dict[Path, str]:
    return {tmp_path / "llmd.socket": "a", tmp_path / "llmd.service": "b"}


def write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.write_text(text)


def plan(files: dict[Path, str], *, at_login: bool = False, runs: bool = False) -> list[str]:
    steps = Systemd(files).install(at_login=at_login, runs=runs)
    return [
        step.path.name if isinstance(step, Write) else shown(step).removeprefix("run systemctl ")
        for step in steps
    ]


STOP = shown(StopDaemon())
BOTH = "llmd.socket llmd.service"


def test_a_first_installation(systemctl: FakeManager, files: dict[Path, str]) -> None:
    written = ["llmd.socket", "llmd.service", "--user daemon-reload"]
    begun = ["--user enable llmd.socket", "--user start llmd.socket"]
    assert plan(files) == [*written, *begun]
    assert plan(files, runs=True) == [*written, STOP, *begun], "it has the addresses"
    assert plan(files, at_login=True) == [
        *written,
        f"--user enable {BOTH}",
        f"--user start {BOTH}",
    ]


def test_nothing_is_done_twice(systemctl: FakeManager, files: dict[Path, str]) -> None:
    write(files)
    systemctl.answer({"--user show": units(socket="active enabled 0")})
    assert plan(files) == []
    systemctl.answer({"--user show": units(socket="active enabled 0", service="active enabled 7")})
    assert plan(files, at_login=True, runs=True) == []


def test_changed_units_replace_those_that_run(
    systemctl: FakeManager, files: dict[Path, str]
) -> None:
    write({**files, next(iter(files)): "old"})
    systemctl.answer({"--user show": units(socket="active enabled 0", service="active enabled 7")})
    assert plan(files, at_login=True, runs=True) == [
        "llmd.socket",
        "--user daemon-reload",
        f"--user stop {BOTH}",
        f"--user enable {BOTH}",
        f"--user start {BOTH}",
    ]


def test_a_service_need_no_longer_start_at_login(
    systemctl: FakeManager, files: dict[Path, str]
) -> None:
    write(files)
    systemctl.answer({"--user show": units(socket="active enabled 0", service="active enabled 7")})
    assert plan(files, runs=True)[0] == "--user disable llmd.service"


def test_a_service_that_gave_up_gets_another_chance(
    systemctl: FakeManager, files: dict[Path, str]
) -> None:
    write(files)
    systemctl.answer({"--user show": units(socket="failed enabled 0", service="failed disabled 0")})
    assert plan(files) == [
        f"--user reset-failed {BOTH}",
        "--user enable llmd.socket",
        "--user start llmd.socket",
    ]


def test_only_what_is_there_is_removed(
    systemctl: FakeManager, files: dict[Path, str], tmp_path: Path
) -> None:
    assert Systemd(files).remove() == []
    (tmp_path / "llmd.socket").write_text("a")
    assert [shown(step) for step in Systemd(files).remove()] == [
        "run systemctl --user disable --now llmd.socket",
        f"delete {tmp_path / 'llmd.socket'}",
        "run systemctl --user daemon-reload",
    ]


def test_a_whole_machine_has_users_made(systemctl: FakeManager, files: dict[Path, str]) -> None:
    manager = Systemd(files, system=True)
    told = [shown(step) for step in manager.anew(at_login=False)]
    assert told[2:] == [
        "run systemd-sysusers",
        "run systemctl daemon-reload",
        "run systemctl enable llmd.socket",
        "run systemctl restart llmd.socket",
    ]
    assert shown(manager.removal()[0]) == f"run systemctl disable --now {BOTH}"


def test_the_status_tells_units_from_those_wanted(
    systemctl: FakeManager, files: dict[Path, str]
) -> None:
    assert Systemd(files).status()["installed"] is False
    write(files)
    systemctl.answer({"--user show": units(socket="active enabled 0", service="active disabled 7")})
    report = Systemd(files).status()
    assert (report["installed"], report["current"], report["pid"]) == (True, True, 7)
    assert (report["enabled"], report["at_login"], report["running"]) == (True, False, True)
    next(iter(files)).write_bytes(b"\xff")
    assert Systemd(files).status()["current"] is False


def test_a_machine_without_systemd_is_told_apart(
    files: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LlmdError, match=r"has no systemd\. Have `llmd serve` run"):
        Systemd(files).check()


@pytest.mark.parametrize(
    ("uid", "system", "words"),
    [
        (1000, False, "loginctl enable-linger"),
        (0, False, "--system"),
        (0, True, "run by systemd"),
    ],
)
def test_a_user_without_a_session_is_told_what_to_do(
    systemctl: FakeManager,
    files: dict[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    system: bool,
    words: str,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    failed = (1, "", "Failed to connect to bus: No medium found\n")
    systemctl.answer({"--user show": failed, "show": failed})
    with pytest.raises(LlmdError, match="No medium found") as caught:
        Systemd(files, system=system).check()
    assert words in caught.value.hint
