from __future__ import annotations

import json
import socket

import pytest
from playwright.sync_api import Error, Route, expect

from tests.browser.conftest import Open
from tests.integration.conftest import Daemon, MakeDaemon


def test_the_first_page_opens_without_a_login(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address)
    assert page.locator("main").count() == 1


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_pages_speak_the_language_of_the_browser(visit: Open, daemon: Daemon, locale: str) -> None:
    page = visit(daemon.address + "/admin/none", locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    words = {"zh-CN": "页面不存在", "en-GB": "There is nothing here"}
    expect(page.get_by_role("heading")).to_have_text(words[locale])


def test_language_and_theme_stay_as_they_were_chosen(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/login")
    page.get_by_label("Colours").select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_label("Language").select_option("zh")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 26)"


def test_a_page_whose_stamp_is_stale_mends_itself(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/login")
    page.context.clear_cookies()
    page.goto(daemon.address + "/login")
    stale = page.get_attribute('meta[name="stamp"]', "content")
    page.evaluate("document.querySelector('meta[name=stamp]').content = 'x'.repeat(43)")
    page.get_by_label("Colours").select_option("light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator('meta[name="stamp"]')).to_have_attribute("content", str(stale))


def test_a_daemon_that_starts_anew_is_found_again_under_an_open_page(
    visit: Open, make_daemon: MakeDaemon
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    daemon = make_daemon(LLMD_PORT=str(port))
    page = visit(daemon.address + "/admin")
    expect(page.locator("main [data-region] > *").first).to_be_attached()

    def newer(route: Route) -> None:
        try:
            told = route.fetch()
        except Error:  # it has stopped, or does not listen yet
            route.abort()
            return
        route.fulfill(response=told, body=json.dumps({**told.json(), "version": "newer"}))

    page.route("**/web/who", newer)
    assert daemon.stop() == 0
    expect(page.get_by_text("The connection to llmd is lost")).to_be_visible()
    daemon.start()
    expect(page.get_by_text("Connected again.")).to_be_visible()
    expect(page.get_by_text("The connection to llmd is lost")).to_have_count(0)
    with page.expect_navigation():
        page.get_by_role("link", name="Load the page again").click()
    expect(page.get_by_text("llmd has been updated")).to_have_count(0)
    expect(page.locator(".plot .uplot")).to_have_count(6)


@pytest.mark.parametrize("library", ["uPlot", "htmx", "idiomorph"])
def test_a_page_whose_library_does_not_come_offers_to_load_it_again(
    visit: Open, daemon: Daemon, library: str
) -> None:
    page = visit(daemon.address + "/admin/models")
    page.route(f"**/vendor/{library}*.js", lambda route: route.abort())
    page.goto(daemon.address + "/admin")
    expect(page.get_by_text("A part of this page could not be loaded.")).to_be_visible()
    page.unroute(f"**/vendor/{library}*.js")
    with page.expect_navigation():
        page.get_by_role("link", name="Load the page again").click()
    expect(page.locator(".plot .uplot")).to_have_count(6)
    expect(page.get_by_text("A part of this page could not be loaded.")).to_have_count(0)
