"""Whether everybody can use the pages: with a keyboard, a screen reader, large type, few colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.integration.conftest import Daemon

ALONE = ["/", "/login", "/admin/none"]
ADMINISTRATION = [
    "/admin",
    *(
        f"/admin/{name}"
        for name in (
            *("models", "requests", "deployments"),
            *("users", "keys", "audit", "logs", "settings"),
        )
    ),
]
SERIOUS = {"serious", "critical"}
WIDEST = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

Look = Callable[[str], Page]


def violations(page: Page, **options: Any) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def settled(page: Page) -> Page:
    """Wait until what lives on a page has come."""
    page.wait_for_load_state("load")
    if page.locator("main [data-region]").count():
        expect(page.locator("main [data-region]:not(:empty)").first).to_be_attached()
    return page


@pytest.mark.parametrize("path", [*ALONE, *ADMINISTRATION])
def test_axe_finds_nothing_serious_in_either_theme(visit: Open, daemon: Daemon, path: str) -> None:
    page = settled(visit(daemon.address + path))
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    colours = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
    assert violations(page, **colours) == []


def test_nothing_has_to_be_scrolled_sideways_on_a_phone_in_chinese(
    visit: Open, daemon: Daemon
) -> None:
    page = visit(daemon.address + "/admin", width=360, height=740, locale="zh-CN")
    hrefs = "(links) => links.map((link) => link.getAttribute('href'))"
    assert page.locator("nav a").evaluate_all(hrefs) == ADMINISTRATION
    for path in (*ALONE, *ADMINISTRATION):
        page.goto(daemon.address + path)
        assert settled(page).evaluate(WIDEST) <= 0, path


def test_twice_as_large_is_still_whole(visit: Open, daemon: Daemon) -> None:
    # 1280 wide at 200 % is what 640 are, for the page
    page = visit(daemon.address + "/admin", width=640, height=400)
    for path in ("/", "/login", "/admin", "/admin/settings"):
        page.goto(daemon.address + path)
        assert settled(page).evaluate(WIDEST) <= 0


def test_the_keyboard_gets_past_the_bar_and_through_it(visit: Open, daemon: Daemon) -> None:
    page = settled(visit(daemon.address + "/admin"))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    first = page.get_by_role("navigation").get_by_role("link").first
    expect(first).to_be_focused()
    outline = "(link) => getComputedStyle(link).outlineStyle + getComputedStyle(link).outlineWidth"
    assert first.evaluate(outline) == "solid2px"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(daemon.address + "/admin/models")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


def test_where_one_is_can_be_seen_without_colours(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/admin", forced_colors="active")
    here = page.locator('nav [aria-current="page"]').first
    there = page.locator("nav a:not([aria-current])").first
    look = "(one) => getComputedStyle(one).outlineStyle"
    assert (here.evaluate(look), there.evaluate(look)) == ("solid", "none")


def test_nothing_moves_for_those_who_do_not_want_it(visit: Open, daemon: Daemon) -> None:
    page = settled(visit(daemon.address + "/", reduced_motion="reduce"))
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
        const style = getComputedStyle(one);
        return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
    }).length"""
    assert page.evaluate(moving) == 0


def test_what_is_printed_has_no_bars(visit: Open, daemon: Daemon) -> None:
    page = settled(visit(daemon.address + "/admin"))
    page.emulate_media(media="print")
    expect(page.locator("header.side")).to_be_hidden()
    expect(page.locator("main h1")).to_be_visible()
