"""Pages in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.integration.conftest import daemon, make_daemon

__all__ = ["daemon", "make_daemon"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, without a window; tests are skipped where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium at hand: .ci/run installs it")
    with sync_playwright() as playwright:
        # containers have neither user namespaces nor a large /dev/shm
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    """Return a function that opens an address in a visitor's own context, as wide as asked for; a
    page whose scripts fail, or that its policy stops, fails the test.
    """
    contexts: list[BrowserContext] = []
    wrongs: list[str] = []

    def open_page(url: str, *, width: int = 1280, height: int = 800, **context: Any) -> Page:
        contexts.append(
            chromium.new_context(
                viewport={"width": width, "height": height},
                **{"locale": "en-US", **context},  # type: ignore[arg-type]  # a test's shorthand
            )
        )
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrongs.append(str(error)))
        page.on(
            "console",
            lambda line: wrongs.append(line.text) if "Content Security Policy" in line.text else 0,
        )
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrongs
