"""Pages in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.conversations import chats
from tests.fakes.accounts import PASSWORD
from tests.integration.conftest import Daemon, daemon, make_daemon

__all__ = ["chats", "daemon", "log_in", "make_daemon"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Open = Callable[..., Page]

expect.set_options(timeout=20_000)  # milliseconds; a busy machine takes longer than the usual 5 s


# Playwright's event loop runs as long as this does, and no other may meanwhile: asyncio tests of
# other files wait their turn
@pytest.fixture(scope="module")
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
    page whose scripts fail, or that its policy stops, fails the test, unless it is one that shall
    be stopped (`hostile`).
    """
    contexts: list[BrowserContext] = []
    wrongs: list[str] = []

    def open_page(
        url: str, *, width: int = 1280, height: int = 800, hostile: bool = False, **context: Any
    ) -> Page:
        contexts.append(
            chromium.new_context(
                viewport={"width": width, "height": height},
                **{"locale": "en-US", **context},  # type: ignore[arg-type]  # a test's shorthand
            )
        )
        page = contexts[-1].new_page()
        if hostile:
            page.goto(url)
            return page
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


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that asks who comes: ann, a user, and root, an admin, whose password is PASSWORD."""
    home = tmp_path_factory.mktemp("village")
    made = Daemon(home, LLMD_SECURITY_MODE="users").start()
    for name, role in (("ann", "user"), ("root", "admin")):
        made.call("POST", "/control/users", {"name": name, "password": PASSWORD, "role": role})
    yield made
    assert made.stop() == 0


def log_in(page: Page, name: str = "ann", password: str = PASSWORD) -> None:
    """Fill the form of the login, and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


Publish = Callable[[str], str]


@pytest.fixture
def publish() -> Iterator[Publish]:
    """Return a function that puts a page on another site, and returns its address. It is another
    site since it is called localhost, and llmd by its number.
    """
    pages: list[bytes] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[-1])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def put(html: str) -> str:
        pages.append(html.encode())
        return f"http://localhost:{server.server_port}/"

    yield put
    server.shutdown()
    thread.join()
    server.server_close()
