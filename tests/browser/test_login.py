from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Publish, log_in
from tests.fakes.accounts import PASSWORD
from tests.integration.conftest import Daemon


def at(page: Page, path: str) -> None:
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))


def call(page: Page, path: str) -> None:
    """Have a page call llmd as its scripts do; the page may be left because of it."""
    page.evaluate(
        """(path) => {
            const base = document.querySelector('script[src*="/js/base.js"]').src;
            import(base).then(({ call }) => call("GET", path).catch(() => null));
        }""",
        path,
    )


def test_who_logs_in_comes_to_where_they_wanted_to_go(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/admin?tab=x")
    at(page, "/login?next=/admin%3Ftab%3Dx")
    expect(page.get_by_label("Name")).to_be_focused()
    log_in(page, "root", "wrong")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).first.click()
    at(page, "/admin?tab=x")
    page.goto(village.address + "/login?next=/admin")
    at(page, "/admin")


def test_leaving_ends_the_login(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/login?next=/admin")
    log_in(page, "root")
    at(page, "/admin")
    cookies = page.context.cookies()
    page.get_by_role("button", name="Log out").click()
    at(page, "/login")
    page.context.add_cookies(cookies)
    page.goto(village.address + "/admin")
    at(page, "/login?next=/admin")


def test_somebody_without_rights_is_told_who_they_are(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/login?next=/admin")
    log_in(page)
    expect(page.get_by_role("heading")).to_have_text("This is not for you")
    expect(page.get_by_text("You are logged in as ann.")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    at(page, "/login")


def test_the_login_works_without_scripts(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/admin", java_script_enabled=False)
    page.fill("input[name=name]", "root")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    at(page, "/admin")


def test_a_key_will_do(visit: Open, village: Daemon) -> None:
    made = village.call("POST", "/control/keys", {"scopes": ["models:read", "generate"]})
    page = visit(village.address + "/")
    page.get_by_text("Log in with an API key instead").click()
    page.get_by_label("API key").fill("llmd-nonsense")
    page.get_by_label("API key").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no such key")
    page.get_by_label("API key").fill(made["secret"])
    page.get_by_label("API key").press("Enter")
    at(page, village.address + "/")


def test_caps_lock_is_told_of(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/login")
    press = "(field, on) => field.dispatchEvent(new KeyboardEvent('keydown', {key: 'A', bubbles: true, modifierCapsLock: on}))"
    password = page.get_by_label("Password")
    password.evaluate(press, True)
    expect(page.get_by_text("Caps Lock is on.")).to_be_visible()
    password.evaluate(press, False)
    expect(page.get_by_text("Caps Lock is on.")).to_have_count(0)


def test_a_link_of_another_site_asks_nobody_again(
    visit: Open, village: Daemon, publish: Publish
) -> None:
    page = visit(village.address + "/login")
    log_in(page, "root")
    at(page, village.address + "/")
    page.goto(publish(f'<a href="{village.address}/admin?x=1">llmd</a>'))
    page.get_by_role("link").click()
    at(page, village.address + "/admin?x=1")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_login_that_ends_in_mid_work_loses_nothing_typed(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/login?next=/admin")
    log_in(page, "root")
    at(page, "/admin")
    page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
    page.locator("main textarea").last.fill("half a thought")
    page.context.clear_cookies()
    call(page, "/web/who")
    expect(page.get_by_text("Your login is over.")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Log in again").click()
    log_in(opened.value, "root")
    at(opened.value, "/admin")
    opened.value.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("Your login is over.")).to_have_count(0)
    assert page.locator("main textarea").last.input_value() == "half a thought"
    page.get_by_label("Colours").first.select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_login_that_ends_on_an_idle_page_goes_to_the_login(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/login?next=/admin")
    log_in(page, "root")
    at(page, "/admin")
    page.context.clear_cookies()
    call(page, "/web/who")
    at(page, "/login?next=%2Fadmin")


def test_a_page_of_somebody_else_is_loaded_anew(visit: Open, village: Daemon) -> None:
    page = visit(village.address + "/login?next=/admin")
    log_in(page, "root")
    at(page, "/admin")
    other = page.context.new_page()
    page.context.clear_cookies()
    other.goto(village.address + "/login")
    log_in(other)
    at(other, village.address + "/")
    page.get_by_label("Colours").first.select_option("dark")
    expect(page.get_by_text("You are logged in as ann.")).to_be_visible()


def test_two_daemons_in_one_browser_do_not_mind_each_other(
    visit: Open, village: Daemon, daemon: Daemon
) -> None:
    page = visit(village.address + "/login?next=/admin")
    log_in(page, "root")
    at(page, "/admin")
    page.goto(daemon.address + "/login")
    page.get_by_label("Colours").select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(village.address + "/admin")
    at(page, "/admin")
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
