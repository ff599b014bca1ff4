from __future__ import annotations

import pytest

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
