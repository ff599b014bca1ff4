"""Deployments in a browser: ordered, refused with the field, done, ended."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.integration.conftest import Daemon, MakeDaemon, wait_for


def test_a_model_is_deployed_and_unloaded_again(visit: Open, make_daemon: MakeDaemon) -> None:
    daemon: Daemon = make_daemon()
    page = visit(f"{daemon.address}/admin/deployments")
    model = page.get_by_label("Model", exact=True)
    model.fill("no-such-family-at-all")
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator("#wrong")).to_contain_text("no-such-family-at-all")
    expect(model).to_have_attribute("aria-invalid", "true")
    expect(model).to_be_focused()
    model.fill("llmd-tiny")
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator("#wrong")).to_be_hidden()
    row = page.locator("#ended tr").filter(has_text="llmd-tiny")
    expect(row.locator(".chip")).to_have_text("completed")
    row.get_by_role("button", name="Unload").click()
    page.get_by_role("dialog").get_by_role("button", name="Unload").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(row.get_by_role("button", name="Deploy again")).to_be_visible()
    wait_for(lambda: daemon.loaded() is None)
