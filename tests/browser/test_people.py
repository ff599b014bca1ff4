from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.integration.conftest import Daemon

PASSWORD = "correct horse"
HOSTILE = "<img src=x onerror=\"document.title='pwned'\">"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that asks who comes, with an admin called root."""
    made = Daemon(tmp_path_factory.mktemp("people"), LLMD_SECURITY_MODE="users").start()
    made.call("POST", "/control/users", {"name": "root", "password": PASSWORD, "role": "admin"})
    yield made
    made.stop()


def enter(page: Page, name: str, password: str = PASSWORD) -> Page:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("button.chief").click()
    return page


def admin(visit: Open, daemon: Daemon, path: str, **options: object) -> Page:
    page = visit(daemon.address + path, **options)
    enter(page, "root")
    page.wait_for_url(f"**{path}")
    return page


def ask(daemon: Daemon, secret: str) -> int:
    """Ask for an answer with a key; return the status."""
    body = json.dumps({"messages": [{"role": "user", "content": "1+1?"}], "max_tokens": 3})
    request = urllib.request.Request(
        f"{daemon.address}/v1/chat/completions",
        body.encode(),
        {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_new_user_comes_in_chats_and_is_out_at_once_when_disabled(
    visit: Open, guarded: Daemon
) -> None:
    page = admin(visit, guarded, "/admin/users")
    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("张 三")
    dialog.get_by_role("button", name="Add a user").click()
    expect(dialog.get_by_role("alert")).to_contain_text("1 to 64 letters")
    dialog.get_by_label("Name").fill("张三")
    dialog.get_by_role("button", name="Add a user").click()
    expect(dialog).to_contain_text("张三 was added")
    secret = dialog.locator("output").inner_text()
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("alert")).to_contain_text("Keep it first")
    dialog.get_by_role("button", name="I have kept it").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="张三")).to_be_visible()

    theirs = enter(visit(guarded.address), "张三", secret)
    theirs.wait_for_url(guarded.address + "/")
    expect(theirs.locator('a[href="/admin"]')).to_have_count(0)
    theirs.goto(guarded.address + "/admin/models")
    expect(theirs.locator('nav a[href="/admin/users"]')).to_have_count(0)
    theirs.goto(guarded.address + "/admin/users")
    expect(theirs.locator("main")).to_contain_text("This is not for you")
    theirs.goto(guarded.address)

    page.get_by_role("link", name="张三").click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("disabled", exact=True)).to_be_visible()
    theirs.reload()
    theirs.wait_for_url("**/login**")
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("enabled", exact=True)).to_be_visible()

    page.get_by_role("button", name="Remove", exact=True).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Remove 张三?")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.wait_for_url("**/admin/users")
    expect(page.get_by_role("link", name="root")).to_be_visible()
    expect(page.get_by_role("link", name="张三")).to_have_count(0)


def test_a_key_is_made_used_limited_and_disabled(visit: Open, guarded: Daemon) -> None:
    page = admin(visit, guarded, "/admin/keys")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What it is for").fill(HOSTILE)
    dialog.get_by_text("Limits", exact=True).click()
    dialog.get_by_label("Requests per minute").fill("2")
    dialog.get_by_role("button", name="Make a key").click()
    secret = dialog.locator("output").inner_text()
    assert re.fullmatch(r"llmd-\w{46}", secret)
    expect(dialog).to_contain_text(f"Authorization: Bearer {secret}")
    dialog.get_by_role("button", name="I have kept it").click()
    assert [ask(guarded, secret) for _ in range(3)] == [200, 200, 429]

    page.get_by_role("link", name=HOSTILE).click()
    expect(page.locator("h1")).to_have_text(HOSTILE)
    assert page.title() != "pwned"
    expect(page.get_by_text("2 of 2")).to_be_visible()
    expect(page.get_by_role("img", name="Tokens by the day")).to_be_visible()
    page.get_by_role("button", name="Change limits").click()
    page.get_by_role("dialog").get_by_label("Requests per minute").fill("0")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert ask(guarded, secret) == 200
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("disabled", exact=True)).to_be_visible()
    assert ask(guarded, secret) == 401
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("What it is for").fill("数据")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("数据")


def test_scopes_follow_the_user_that_is_chosen(visit: Open, guarded: Daemon) -> None:
    guarded.call("POST", "/control/users", {"name": "ann", "password": PASSWORD})
    page = admin(visit, guarded, "/admin/keys")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    admin_scope = dialog.get_by_role("checkbox", name="admin")
    admin_scope.check()
    dialog.locator("[name=user]").select_option(label="ann")
    expect(admin_scope).to_be_disabled()
    expect(admin_scope).not_to_be_checked()
    dialog.locator("[name=user]").select_option("")
    expect(admin_scope).to_be_enabled()


def test_nobody_locks_themselves_out_and_the_audit_says_who_did_what(
    visit: Open, guarded: Daemon
) -> None:
    page = admin(visit, guarded, "/admin/users")
    page.get_by_role("link", name="root").click()
    expect(page.get_by_text("This is your own account")).to_be_visible()
    expect(page.get_by_role("button", name="Disable")).to_have_count(0)
    page.goto(guarded.address + "/admin/audit")
    expect(page.get_by_role("row").filter(has_text="Login").first).to_contain_text("user:root")
    page.get_by_label("What").select_option(label="User added")
    expect(page.get_by_role("row").filter(has_text="root").first).to_contain_text("User added")
    expect(page.get_by_role("row").filter(has_text="Login")).to_have_count(0)
    page.get_by_label("Words").fill("nothing such")
    expect(page.get_by_text("Nothing that was noted fits")).to_be_visible()


def test_an_open_daemon_says_what_that_means(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/admin/users")
    expect(page.get_by_text("llmd config set security.mode users")).to_be_visible()
    expect(page.get_by_text("Nobody has an account yet")).to_be_visible()


@pytest.mark.parametrize("path", ["/admin/users", "/admin/keys", "/admin/audit"])
def test_pages_fit_a_phone_in_chinese(visit: Open, guarded: Daemon, path: str) -> None:
    page = visit(guarded.address + path, width=360, height=740, locale="zh-CN")
    page.locator("input[name=name]").fill("root")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button.chief").click()
    page.wait_for_url(f"**{path}")
    expect(page.locator("h1")).to_have_text(re.compile("用户|密钥|审计"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
