"""The terminal interface as it looks and as it acts: pictures of fixed snapshots, and a real daemon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from llmd.config.paths import Paths
from llmd.protocol.feed import Snapshot
from llmd.tui.app import LlmdApp
from tests.integration.conftest import Daemon, make_daemon  # noqa: F401  a fixture

Prepare = Callable[[Pilot[None]], Awaitable[None]]
Picture = Callable[..., bool]

SIZES = {"small": (80, 24), "wide": (160, 48)}
"""What each page is pictured at."""


def paths_in(home: Path) -> Paths:
    """The paths of an llmd whose daemon is not running."""
    return Paths(home, home, home / "state", home / "cache", home / "socket")


@pytest.fixture
def picture(tmp_path: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """Return a function that compares a page, shown a snapshot, with its stored picture."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def compare(
        page: str, size: str, snapshot: Snapshot | None, prepare: Prepare | None = None
    ) -> bool:
        app = LlmdApp(paths_in(tmp_path), page=page, follow=False)

        async def before(pilot: Pilot[None]) -> None:
            await pilot.pause()
            if snapshot:
                app.arrived(snapshot)
                await pilot.pause()
            if prepare:
                await prepare(pilot)
                await pilot.pause()

        return bool(snap_compare(app, terminal_size=SIZES[size], run_before=before))

    return compare


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that the tests of this folder share; do not hurt it."""
    daemon = Daemon(tmp_path_factory.mktemp("tui")).start()
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
def paths(daemon: Daemon) -> Paths:
    """The paths of the shared daemon."""
    return paths_of(daemon)


def paths_of(daemon: Daemon) -> Paths:
    """The paths of a daemon."""
    home = daemon.home
    return Paths(home / "config", home / "data", home / "state", home / "cache", daemon.socket)


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the interface run until something has happened."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        # a pilot's pause asks every widget, which takes much of a core where one waits for long
        await asyncio.sleep(0.02)
        if condition():
            await pilot.pause(0)
            return
    raise AssertionError("it did not happen")
