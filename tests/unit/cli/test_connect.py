from __future__ import annotations

import pytest

from llmd.cli import connect
from llmd.cli.connect import client
from llmd.client import autostart
from llmd.config.paths import Paths
from llmd.errors import DaemonUnreachable


@pytest.fixture
def started(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> list[Paths]:
    asked: list[Paths] = []
    monkeypatch.setattr(autostart, "ensure", asked.append)
    return asked


def test_starts_the_daemon_when_it_may(
    started: list[Paths], paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    client(start=True)
    assert started == [paths]


def test_starts_nothing_when_told_not_to(
    started: list[Paths], monkeypatch: pytest.MonkeyPatch
) -> None:
    client(start=True)  # LLMD_NO_AUTOSTART is set
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    with pytest.raises(DaemonUnreachable):
        client(start=False).get("/control/ps")
    assert started == []


def test_a_daemon_that_sleeps_is_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "asleep", lambda _paths: True)
    with pytest.raises(DaemonUnreachable, match="systemd starts it"):
        client(start=False)


def test_a_daemon_that_sleeps_is_woken_by_a_command_that_needs_it(
    started: list[Paths], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    monkeypatch.setattr(connect, "asleep", lambda _paths: True)
    client(start=True)
    assert len(started) == 1
