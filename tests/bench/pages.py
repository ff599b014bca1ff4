"""What pages weigh and how soon they can be used, and what the first visitor costs the daemon.

    python -m tests.bench.pages [--times 9] [PATH ...]

Starts a daemon of its own and visits each page so many times with an empty cache, then once more
with a full one. `kB` is what came over the wire, head and body; `ready` is when all scripts had
run and the page could be used, `whole` when it was drawn whole, `again` the same from the cache.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.integration.conftest import Daemon

PATHS = ["/", "/login", "/admin", "/admin/models", "/admin/requests", "/admin/settings"]
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
TIMES = """() => {
    const [entry] = performance.getEntriesByType("navigation");
    return [entry.domContentLoadedEventEnd, entry.loadEventEnd];
}"""


@dataclass
class Seen:
    """One visit."""

    requests: int
    size: float
    ready: float
    whole: float
    again: float


def load(page: Page, url: str) -> tuple[int, float, float, float]:
    """Visit a page; return requests, kilobytes, and two times in milliseconds."""
    sizes: list[float] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda one: sizes.append(one["encodedDataLength"]))
    page.goto(url, wait_until="load")
    ready, whole = page.evaluate(TIMES)
    session.detach()
    return len(sizes), sum(sizes) / 1000, ready, whole


def visit(browser: Browser, url: str) -> Seen:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    requests, size, ready, whole = load(page, url)
    *_, again = load(page, url)[2:3]
    context.close()
    return Seen(requests, size, ready, whole, again)


def memory(daemon: Daemon) -> float:
    return psutil.Process(daemon.pid).memory_info().rss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("paths", nargs="*", default=PATHS)
    given = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        daemon = Daemon(Path(home)).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        try:
            address, idle = daemon.address, memory(daemon)
            first = visit(browser, address + given.paths[0])
            after = memory(daemon)
            print(f"{'page':18}{'requests':>9}{'kB':>8}{'ready':>8}{'whole':>8}{'again':>8}")
            print(row("the very first", first))
            for path in given.paths:
                seen = [visit(browser, address + path) for _ in range(given.times)]
                fields = ("requests", "size", "ready", "whole", "again")
                print(row(path, Seen(*(median(getattr(one, of) for one in seen) for of in fields))))
            print(f"daemon: {idle:.1f} MiB idle, {after:.1f} after the first page, ", end="")
            print(f"{memory(daemon):.1f} after all")
        finally:
            browser.close()
            daemon.stop()


def row(name: str, seen: Seen) -> str:
    times = "".join(f"{one:>8.0f}" for one in (seen.ready, seen.whole, seen.again))
    return f"{name:18}{seen.requests:>9}{seen.size:>8.1f}{times}"


if __name__ == "__main__":
    main()
