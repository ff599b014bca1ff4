from __future__ import annotations

import pytest

from llmd.config.paths import Paths
from llmd.errors import RequestCancelled, from_wire
from llmd.tui.app import LlmdApp
from llmd.tui.screens.dashboard import ModelPanel
from llmd.tui.widgets.log_view import LogView
from llmd.tui.widgets.rows import Rows
from tests.fakes.interface import listen
from tests.integration.conftest import ENDLESS, Daemon, MakeDaemon
from tests.tui.conftest import paths_of, until


async def test_the_dashboard_shows_what_is_loaded_and_unloads_it(
    daemon: Daemon, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    daemon.call("POST", "/control/load", {"model": "llmd-tiny"})
    app = LlmdApp(paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query(ModelPanel))
        (panel,) = app.screen.query(ModelPanel)
        assert panel.model == "llmd-tiny"
        assert "planned" in panel.render().plain
        await pilot.press("u")
        await until(pilot, lambda: not app.screen.query(ModelPanel))
        assert told.notes == ["Unloaded llmd-tiny."]
    assert daemon.loaded() is None


async def test_a_request_is_seen_and_cancelled_and_its_client_is_told(
    daemon: Daemon, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    stream = daemon.open_stream(ENDLESS)
    app = LlmdApp(paths, page="requests")
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.snapshot and app.snapshot.requests.live)
        await pilot.pause()
        number = app.screen.query_one(Rows).key
        await pilot.press("x", "y")
        await until(pilot, lambda: app.snapshot and not app.snapshot.requests.live)
        assert told.notes == [f"Request {number} is cancelled."]
        assert app.snapshot
        assert str(app.snapshot.requests.ended[-1].id) == number
    *_, last = stream.events()
    assert isinstance(from_wire(last["error"]), RequestCancelled)


async def test_a_request_that_ended_meanwhile_is_an_error_with_a_hint(
    daemon: Daemon, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    stream = daemon.open_stream(ENDLESS)
    app = LlmdApp(paths, page="requests")
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.snapshot and app.snapshot.requests.live)
        await pilot.press("x")
        stream.close()
        await until(pilot, lambda: app.snapshot and not app.snapshot.requests.live)
        await pilot.press("y")
        await until(pilot, lambda: told.errors)
    assert "is under way.\n`llmd requests` lists them." in told.errors[0]


async def test_the_log_is_the_daemons(daemon: Daemon, paths: Paths) -> None:
    app = LlmdApp(paths, page="logs")
    async with app.run_test(size=(120, 30)) as pilot:
        view = app.screen.query_one(LogView)
        await until(pilot, lambda: "ready" in view.text)
        before = view.taken
        daemon.call("GET", "/control/models/nothing")  # a refusal is logged
        await until(pilot, lambda: view.taken > before)


async def test_it_survives_the_daemons_end_and_starts_it_again(
    make_daemon: MakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    daemon = make_daemon()
    for name, value in daemon.environment.items():
        monkeypatch.setenv(name, value)
    app = LlmdApp(paths_of(daemon))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.snapshot)
        assert app.snapshot
        first = app.snapshot.status.pid
        assert daemon.stop() == 0
        await until(pilot, lambda: app.attempt > 1)
        assert app.screen.has_class("-stale")
        await pilot.press("s")
        await until(pilot, lambda: not app.trouble)
        assert app.snapshot.status.pid != first
        assert told.notes == ["The daemon is back."]
        second = app.snapshot.status.pid
        await app.stop_daemon(again=True)
        await until(pilot, lambda: app.snapshot.status.pid != second and not app.trouble)
        await app.stop_daemon()
        await until(pilot, lambda: app.trouble)
    assert told.errors == []
