"""The overview in a browser: figures that move, charts, and a daemon that goes and comes back."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.integration.conftest import ENDLESS, Daemon, MakeDaemon

NOTHING = re.compile("^(\N{EN DASH}|0|0[.]0)$")
DRAWN = """(canvas) => {
  const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const accent = document.createElement("canvas").getContext("2d");
  accent.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  accent.fillRect(0, 0, 1, 1);
  const [red, green, blue] = accent.getImageData(0, 0, 1, 1).data;
  for (let at = 0; at < all.length; at += 4)
    if (all[at] === red && all[at + 1] === green && all[at + 2] === blue && all[at + 3] === 255) return true;
  return false;
}"""


def fits(page: Page) -> bool:
    """Whether nothing stands out at the side."""
    found = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return bool(found)


def test_figures_move_and_charts_are_drawn_while_an_answer_is_written(
    visit: Open, daemon: Daemon
) -> None:
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    page = visit(f"{daemon.address}/admin")
    written = page.locator("[data-chart=written]")
    figure = written.locator("[data-figure=generated]")
    expect(figure).not_to_have_text(NOTHING)
    before = figure.inner_text()
    expect(figure).not_to_have_text(before)
    expect(page.locator("[data-figure=running]")).to_have_text("1")
    expect(page.locator(".model h3")).to_contain_text("llmd-tiny")
    expect(page.locator("nav .count").first).to_have_text("1")
    page.wait_for_function(f"({DRAWN})(document.querySelector('[data-chart=written] canvas'))")
    # a dark theme is drawn anew, in its own colour
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"({DRAWN})(document.querySelector('[data-chart=written] canvas'))")
    # the figures at the pointer, in all charts at once
    written.locator(".u-over").hover()
    expect(page.locator("[data-chart=kv]")).to_have_class(re.compile("past"))
    page.mouse.move(0, 0)
    expect(page.locator("[data-chart=kv]")).not_to_have_class(re.compile("past"))
    expect(written.locator("[data-said]")).to_contain_text("in the last two minutes")
    stream.close()
    expect(page.locator("[data-figure=running]")).to_have_text("0")


def test_it_says_that_the_daemon_is_away_and_goes_on_when_that_is_back(
    visit: Open, make_daemon: MakeDaemon
) -> None:
    daemon = make_daemon()
    address = daemon.address
    page = visit(f"{address}/admin")
    up = page.locator("[data-region=overview-daemon] [data-since]")
    expect(up).to_have_text(re.compile(r"^\d+s$"))
    started = up.get_attribute("data-since")
    page.evaluate("window.same = true")
    daemon.stop()
    expect(page.locator("#notes")).to_contain_text("lost")
    expect(page.locator("body.away")).to_have_count(1)
    daemon.environment["LLMD_PORT"] = str(urlsplit(address).port)
    daemon.start()
    expect(page.locator("body.away")).to_have_count(0)
    assert started
    expect(up).not_to_have_attribute("data-since", started)
    expect(page.locator("[data-figure=cpu]")).to_have_text(re.compile(r"^\d+%$"))
    assert page.evaluate("window.same"), "the page was not loaded anew"


@pytest.mark.parametrize(("language", "name"), [("en-US", "Overview"), ("zh-CN", "概览")])
def test_phones_have_a_menu_and_no_page_is_wider(
    visit: Open, daemon: Daemon, language: str, name: str
) -> None:
    page = visit(f"{daemon.address}/admin", width=360, height=740, locale=language)
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("[data-figure=cpu]")).not_to_have_text("\N{EN DASH}")
    assert fits(page)
    link = page.locator("nav a[href='/admin/requests']")
    expect(link).to_be_hidden()
    page.locator("button.menu").click()
    box = link.bounding_box()
    assert box
    assert box["height"] >= 44
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(page.locator("button.menu")).to_be_focused()
    for path in ("/admin/requests", "/admin/deployments"):
        page.goto(daemon.address + path)
        expect(page.locator("h1")).to_be_visible()
        assert fits(page), path
