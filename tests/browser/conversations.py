"""A daemon for tests of the chat page, and what they do there again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fakes.random_model import write_random_model
from tests.integration.conftest import Daemon

TINY = "llmd-tiny"
ENDLESS = "endless"
SEEING = "seeing"
_LOADING = 30_000
"""Milliseconds that a model may take before its first answer, on a busy machine."""


@pytest.fixture(scope="session")
def chats(
    tmp_path_factory: pytest.TempPathFactory, vision_files: Callable[[str], tuple[Path, Path]]
) -> Iterator[Daemon]:
    """A daemon with the built-in model, one whose answers hardly end, and one that sees."""
    folder = tmp_path_factory.mktemp("chats")
    daemon = Daemon(folder / "home").start()
    endless = write_random_model(folder / "endless.gguf", size=60_000)
    for name, path in ((ENDLESS, endless), (SEEING, vision_files("tiled")[0])):
        daemon.call("POST", "/control/models/import", {"path": str(path), "name": name})
    yield daemon
    assert daemon.stop() == 0


def keep(daemon: Daemon, title: str, *said: tuple[str, str], **info: Any) -> str:
    """Have the daemon keep a session, and return its id; `info` goes with each message."""
    made = daemon.call("POST", "/control/sessions", {"title": title, "model": TINY})
    for first in range(0, len(said), 500):
        messages = [
            {"role": role, "content": content, "metadata_info": info}
            for role, content in said[first : first + 500]
        ]
        path = f"/control/sessions/{made['id']}/messages"
        assert "messages" in daemon.call("POST", path, {"messages": messages})
    return str(made["id"])


def say(page: Page, text: str, model: str = TINY) -> None:
    """Send a message to a model."""
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def answered(page: Page, text: str = "") -> Locator:
    """Return the last answer, once it is complete and has that text."""
    last = page.locator("#log > .answer").last
    expect(last.locator(".actions")).to_be_visible(timeout=_LOADING)
    expect(last.locator(".said")).to_contain_text(text, timeout=_LOADING)
    return last


def writing(page: Page) -> Locator:
    """Return the answer that is being written, once some of it is there."""
    under_way = page.locator("#log > .writing .said")
    expect(under_way).to_contain_text("filler", timeout=_LOADING)
    return under_way
