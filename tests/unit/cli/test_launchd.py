from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.cli.launchd import Launchd
from llmd.cli.steps import StopDaemon, Write, shown
from llmd.cli.units import LABEL
from llmd.errors import LlmdError
from tests.fakes.service_managers import FakeManager

DOMAIN = f"gui/{os.getuid()}"
UNKNOWN = (113, "", "Could not find service\n")
RUNNING = (0, "llmd.daemon = {\n\tstate = running\n\tpid = 77\n}\n", "")


@pytest.fixture
def launchctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeManager:
    manager = FakeManager(tmp_path / "bin", "launchctl")
    monkeypatch.setenv("PATH", str(manager.folder))
    manager.answer({f"print {DOMAIN}/{LABEL}": UNKNOWN})
    return manager


@pytest.fixture
def agent(tmp_path: Path) -> Launchd:
    return Launchd(tmp_path / "llmd.plist", "text")


def plan(agent: Launchd, *, runs: bool = False) -> list[str]:
    return [
        "write" if isinstance(step, Write) else shown(step)
        for step in agent.install(at_login=False, runs=runs)
    ]


def test_an_agent_is_written_and_begun(
    launchctl: FakeManager, agent: Launchd, tmp_path: Path
) -> None:
    begun = [
        f"run launchctl enable {DOMAIN}/{LABEL}",
        f"run launchctl bootstrap {DOMAIN} {tmp_path / 'llmd.plist'}",
    ]
    assert plan(agent) == ["write", *begun]
    assert plan(agent, runs=True) == ["write", shown(StopDaemon()), *begun]
    assert [shown(step) for step in agent.anew(at_login=False)][1:] == begun


def test_nothing_is_done_twice(launchctl: FakeManager, agent: Launchd, tmp_path: Path) -> None:
    launchctl.answer({f"print {DOMAIN}/{LABEL}": RUNNING})
    (tmp_path / "llmd.plist").write_text("text")
    assert plan(agent, runs=True) == []


def test_a_changed_agent_is_begun_anew(
    launchctl: FakeManager, agent: Launchd, tmp_path: Path
) -> None:
    launchctl.answer({f"print {DOMAIN}/{LABEL}": RUNNING})
    (tmp_path / "llmd.plist").write_text("old")
    assert plan(agent, runs=True)[:2] == ["write", f"run launchctl bootout {DOMAIN}/{LABEL}"]


def test_only_what_is_there_is_removed(
    launchctl: FakeManager, agent: Launchd, tmp_path: Path
) -> None:
    assert agent.remove() == []
    launchctl.answer({f"print {DOMAIN}/{LABEL}": RUNNING})
    (tmp_path / "llmd.plist").write_text("text")
    told = [f"run launchctl bootout {DOMAIN}/{LABEL}", f"delete {tmp_path / 'llmd.plist'}"]
    assert [shown(step) for step in agent.remove()] == told
    assert [shown(step) for step in agent.removal()] == told


def test_the_status_is_what_launchd_prints(
    launchctl: FakeManager, agent: Launchd, tmp_path: Path
) -> None:
    report = agent.status()
    assert (report["installed"], report["running"], report["pid"]) == (False, False, None)
    launchctl.answer({f"print {DOMAIN}/{LABEL}": RUNNING})
    (tmp_path / "llmd.plist").write_text("text")
    report = agent.status()
    assert (report["current"], report["running"], report["pid"]) == (True, True, 77)


def test_a_user_without_a_session_is_told_so(launchctl: FakeManager, agent: Launchd) -> None:
    agent.check()
    launchctl.answer({f"print {DOMAIN}": UNKNOWN})
    with pytest.raises(LlmdError, match="no session"):
        agent.check()


def test_a_machine_without_launchd_is_told_apart(
    agent: Launchd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LlmdError, match="no launchd"):
        agent.check()
