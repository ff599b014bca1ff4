from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.integration.conftest import Daemon


@pytest.fixture(scope="module")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose settings and log nobody else minds."""
    made = Daemon(tmp_path_factory.mktemp("settings")).start()
    yield made
    made.stop()


def log(daemon: Daemon, event: str, **fields: object) -> None:
    line = {"timestamp": "2026-01-01T00:00:00Z", "level": "info", "logger": "test", **fields}
    path = daemon.home / "state" / "logs" / "daemon.log"
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**line, "event": event}) + "\n")


def test_a_change_is_found_in_the_file_and_told_to_wait(visit: Open, spare: Daemon) -> None:
    page = visit(spare.address + "/admin/settings")
    page.get_by_placeholder("Search names").fill("largest request body")
    expect(page.locator(".setting:visible")).to_have_count(1)
    row = page.locator('[data-key="server.max_body"]')
    row.get_by_role("textbox").fill("much")
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_role("alert")).to_contain_text("It must be a size")
    row.get_by_role("textbox").fill("64MiB")
    row.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("After a restart: 64MiB")
    expect(page.locator("#standing")).to_contain_text("llmd restart")
    file = spare.home / "config" / "config.toml"
    assert tomllib.loads(file.read_text()) == {"server": {"max_body": "64MiB"}}
    page.reload()
    page.get_by_label("Only what differs").check()
    expect(row).to_be_visible()
    expect(page.locator('[data-key="server.host"]')).to_be_hidden()
    row.get_by_role("button", name="Back to the default").click()
    expect(row).not_to_contain_text("After a restart")
    assert tomllib.loads(file.read_text()) == {"server": {}}


def test_where_a_value_comes_from_is_told(visit: Open, spare: Daemon) -> None:
    page = visit(spare.address + "/admin/settings")
    row = page.locator('[data-key="engine.threads"]')
    expect(row).to_contain_text("from the variable LLMD_ENGINE_THREADS")
    row.get_by_role("spinbutton").fill("2")
    row.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("LLMD_ENGINE_THREADS wins over the file")
    row.get_by_role("button", name="Back to the default").click()
    expect(row).not_to_contain_text("wins over")


def test_log_lines_come_by_themselves_and_are_text(visit: Open, spare: Daemon) -> None:
    page = visit(spare.address + "/admin/logs")
    lines = page.locator("#log .line")
    expect(lines.filter(has_text="ready").first).to_be_visible()
    log(spare, "<img src=x onerror=\"document.title='pwned'\">", who="张三")
    hostile = lines.filter(has_text="<img src=x")
    expect(hostile).to_contain_text("who=张三")
    hostile.locator("summary").click()
    expect(hostile.locator("dl")).to_contain_text("张三")
    assert page.title() != "pwned"

    page.get_by_label("Level").select_option("error")
    expect(hostile).to_have_count(0)
    log(spare, "it burns", level="error", exception="Traceback\n  File x\nValueError: y")
    expect(lines.filter(has_text="it burns")).to_contain_text("ValueError: y")
    page.get_by_label("Level").select_option("debug")
    page.get_by_label("Words").fill("burns VALUEERROR")
    expect(lines).to_have_count(1)
    page.get_by_label("Words").fill("")

    page.get_by_role("button", name="Pause").click()
    log(spare, "while it was paused")
    resume = page.get_by_role("button", name=re.compile(r"Go on \(\d+ new\)"))
    expect(resume).to_be_visible()
    expect(lines.filter(has_text="while it was paused")).to_have_count(0)
    resume.click()
    expect(lines.filter(has_text="while it was paused")).to_have_count(1)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_the_log_goes_on_behind_a_rotation(visit: Open, spare: Daemon) -> None:
    page = visit(spare.address + "/admin/logs", width=360, height=740, locale="zh-CN")
    lines = page.locator("#log .line")
    expect(lines.filter(has_text="ready").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    path = spare.home / "state" / "logs" / "daemon.log"
    kept = path.with_name("daemon.log.1")
    kept.write_bytes(path.read_bytes())
    path.rename(path.with_name("daemon.log.2"))
    log(spare, "behind the rotation")
    expect(lines.filter(has_text="behind the rotation")).to_have_count(1)
    page.locator(".files summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("daemon.log ·")).click()
    assert download.value.suggested_filename == "llmd-daemon.log"


def test_settings_fit_a_phone_in_chinese(visit: Open, spare: Daemon) -> None:
    page = visit(spare.address + "/admin/settings", width=360, height=740, locale="zh-CN")
    expect(page.locator('[data-key="server.port"]')).to_contain_text("TCP 监听的端口")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
