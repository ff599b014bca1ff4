"""Requests in a browser: seen as they run, folded out, filtered, ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.integration.conftest import ENDLESS, Daemon, MakeDaemon, wait_for

HOSTILE = '<img src=x onerror="x()">\r\n\r\nevent: requests'


@pytest.fixture
def reader() -> Iterator[ThreadPoolExecutor]:
    """Somebody who reads an answer to its end."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_a_request_of_another_client_is_watched_and_ended(
    visit: Open, daemon: Daemon, reader: ThreadPoolExecutor
) -> None:
    stream = daemon.open_stream({**ENDLESS, "user": HOSTILE})
    pieces = stream.text()
    next(pieces)
    page = visit(f"{daemon.address}/admin/requests")
    row = page.locator("#live tbody").filter(has_text="<img src=x")
    expect(row.locator(".chip")).to_have_text("writing")
    assert page.locator("#requests img").count() == 0
    # folded out, it stays so while figures move
    row.get_by_role("button", name="Details").click()
    details = row.locator(".more")
    expect(details).to_contain_text("interactive")
    answer = row.locator("[data-cell=answer]")
    before = answer.inner_text()
    expect(answer).not_to_have_text(before)
    expect(details).to_be_visible()
    rest = reader.submit(list, stream.events())
    row.get_by_role("button", name="Cancel").click()
    ended = page.locator("#ended tbody").filter(has_text="<img src=x")
    expect(ended.locator(".chip")).to_contain_text("cancelled")
    expect(ended.locator(".more")).to_be_visible()
    assert ended.get_by_role("button", name="Cancel").count() == 0
    # its client is told, and the stream is over
    assert rest.result(20)[-1]["error"]["code"] == "request_cancelled"
    wait_for(lambda: daemon.call("GET", "/control/status")["requests"] == 0)


def test_requests_are_filtered_in_the_browser(visit: Open, daemon: Daemon) -> None:
    streams = [daemon.open_stream({**ENDLESS, "user": name}) for name in ("anna", "boris")]
    for stream in streams:
        next(stream.text())
    page = visit(f"{daemon.address}/admin/requests")
    anna, boris = (
        page.locator("#live tbody").filter(has_text=f"user:{name}") for name in ("anna", "boris")
    )
    expect(anna).to_be_visible()
    expect(boris).to_be_visible()
    page.get_by_role("searchbox").fill("ann writing")
    expect(boris).to_be_hidden()
    expect(anna).to_be_visible()
    expect(page.locator("[data-count=live]")).to_have_text("1 / 2")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Only this client").select_option("user:boris")
    expect(anna).to_be_hidden()
    page.get_by_label("Only this state").select_option("failed")
    expect(page.locator("#no-live")).to_be_visible()
    for stream in streams:
        stream.close()


def test_who_may_only_look_ends_nothing(visit: Open, make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_SECURITY_MODE="keys")
    order = {"name": "eye", "scopes": ["metrics", "models:read"]}
    secret = daemon.call("POST", "/control/keys", order)["secret"]
    page = visit(f"{daemon.address}/admin/requests", locale="zh-CN")
    page.locator("input[name=key]").fill(secret)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/admin/requests$"))
    expect(page.locator("#no-live")).to_contain_text("当前没有正在处理的请求")
    stream = daemon.open_stream(ENDLESS)
    next(stream.text())
    row = page.locator("#live tbody")
    expect(row).to_have_count(1)
    expect(row.locator(".chip")).to_have_text("生成中")
    expect(row.get_by_role("button")).to_have_count(1)
    stream.close()
