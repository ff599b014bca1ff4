"""The pages of models and keys with a real daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from llmd.tui.app import LlmdApp
from llmd.tui.dialogs import (
    Choose,
    Confirm,
    KeyDialog,
    LoadDialog,
    PullDialog,
    QuantizeDialog,
    SecretDialog,
    UserDialog,
)
from llmd.tui.screens.keys import KeysPage
from llmd.tui.screens.models import ModelsPage
from llmd.tui.widgets.rows import Rows
from tests.fakes.hub import Hub, Repo, serving_in_thread
from tests.integration.conftest import Daemon
from tests.tui.conftest import paths_of, until

REPO = "acme/tiny-GGUF"
PULLED = f"{REPO}:Q8_0"


@pytest.fixture(scope="module")
def hub(tiny_model: Path) -> Iterator[Hub]:
    content = tiny_model.read_bytes()
    with serving_in_thread(
        Hub(
            repos={
                REPO: Repo({"tiny-Q8_0.gguf": content}),
                "acme/slow-GGUF": Repo({"slow-Q8_0.gguf": content}),
            }
        )
    ) as hub:
        yield hub


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("pages")
    daemon = Daemon(
        home, HF_ENDPOINT=hub.url, HF_HOME=str(home / "hf"), NO_PROXY="127.0.0.1"
    ).start()
    yield daemon
    daemon.stop()


@asynccontextmanager
async def opened(daemon: Daemon, page: str) -> AsyncIterator[tuple[LlmdApp, Pilot[None]]]:
    app = LlmdApp(paths_of(daemon), page=page)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.page and app.current_mode == page and app.snapshot)
        yield app, pilot


async def test_a_model_is_pulled_planned_loaded_pinned_quantised_and_deleted(
    daemon: Daemon, hub: Hub
) -> None:
    async with opened(daemon, "models") as (app, pilot):
        page = app.page
        assert isinstance(page, ModelsPage)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, PullDialog))
        app.screen.query_one("#name", Input).value = REPO
        await pilot.press("enter")
        await until(
            pilot,
            lambda: (
                f"1{REPO}" not in page._items
                and any(item.name == PULLED for item in page._items.values())
            ),
        )
        page.query_one("#models", Rows).go(
            next(key for key, item in page._items.items() if item.name == PULLED)
        )
        await pilot.press("l")
        await until(
            pilot, lambda: isinstance(app.screen, LoadDialog) and app.screen._planned is not None
        )
        app.screen.query_one("#context_length", Input).value = "512"
        await pilot.press("enter")
        await until(
            pilot, lambda: page.item and page.item.loaded and page.item.loaded.context_length == 512
        )
        await pilot.press("n")
        await until(pilot, lambda: page.item and page.item.pinned)
        loaded = daemon.loaded(PULLED)
        assert loaded
        assert (loaded["pinned"], loaded["context_length"]) == (True, 512)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press("enter")
        await until(pilot, lambda: page.item and "chat" in page.item.default_for)
        await pilot.press("u")
        await until(pilot, lambda: page.item and page.item.loaded is None)
        await pilot.press("z")
        await until(pilot, lambda: isinstance(app.screen, QuantizeDialog) and app.screen._types)
        await pilot.press("enter")
        await until(
            pilot, lambda: any(item.name == f"{REPO}:Q4_K_M" for item in page._items.values())
        )
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: all(item.name != PULLED for item in page._items.values()))
    assert PULLED not in [
        model["name"] for model in daemon.call("GET", "/control/models")["models"]
    ]


async def test_a_download_that_was_left_goes_on_where_it_was(daemon: Daemon, hub: Hub) -> None:
    hub.pause = 0.2
    try:
        async with opened(daemon, "models") as (app, pilot):
            page = app.page
            assert isinstance(page, ModelsPage)
            await pilot.press("g")
            await until(pilot, lambda: isinstance(app.screen, PullDialog))
            app.screen.query_one("#name", Input).value = "acme/slow-GGUF"
            await pilot.press("enter")
            await until(pilot, lambda: page.jobs.list() and page.jobs.list()[0].done)
            number = page.jobs.list()[0].number
            page.jobs.cancel(number)
            await until(pilot, lambda: not page.jobs.list()[0].live)
            hub.pause = 0.0
            page.jobs.resume(number)
            await until(
                pilot,
                lambda: any(item.name == "acme/slow-GGUF:Q8_0" for item in page._items.values()),
            )
    finally:
        hub.pause = 0.0


async def test_an_account_and_its_key_are_made_used_disabled_and_removed(daemon: Daemon) -> None:
    async with opened(daemon, "keys") as (app, pilot):
        page = app.page
        assert isinstance(page, KeysPage)
        await until(pilot, lambda: page._pid)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, UserDialog))
        for field in app.screen.query(Input):
            field.value = "anna-has-a-long-one"
        await pilot.press("enter")
        await until(pilot, lambda: page._users)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, KeyDialog))
        app.screen.query_one("#name", Input).value = "laptop"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SecretDialog))
        await pilot.press("c")
        assert app.clipboard.startswith("llmd-")
        await pilot.press("enter")
        await until(pilot, lambda: page._keys)
        page.query_one("#keys", Rows).focus()
        await pilot.press("e")
        await until(pilot, lambda: not next(iter(page._keys.values())).key.enabled)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: not page._keys)
    assert daemon.call("GET", "/control/keys") == {"keys": []}
