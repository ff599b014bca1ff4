"""Models fetched, planned, loaded, chosen, made smaller and deleted by somebody with a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Open, log_in
from tests.fakes.gguf import write
from tests.fakes.hub import Hub, Repo, serving_in_thread
from tests.integration.conftest import ENDLESS, Daemon, chat, wait_for

EVIL = "<img src=x onerror=\"document.title='hacked'\">"


class Workshop(NamedTuple):
    """A daemon of these tests, and the hub that it fetches from."""

    daemon: Daemon
    hub: Hub

    @property
    def page(self) -> str:
        return self.daemon.address + "/admin/models"

    @property
    def found(self) -> str:
        return self.page + "/catalogue?words="


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Workshop]:
    content = tiny_model.read_bytes()
    repos = {
        f"acme/{name}-GGUF": Repo({f"{name}-Q8_0.gguf": content})
        for name in ("one", "two", "three")
    }
    gated = Repo({"gated-Q8_0.gguf": content}, gated=True)
    huge = Repo({"huge-Q8_0.gguf": b"GGUF"}, claimed_size=10**17)
    hub = Hub(repos={**repos, "acme/gated-GGUF": gated, "acme/huge-GGUF": huge})
    home = tmp_path_factory.mktemp("workshop")
    with serving_in_thread(hub):
        made = Daemon(home, HF_ENDPOINT=hub.url, HF_HOME=str(home / "hf"), NO_PROXY="127.0.0.1")
        yield Workshop(made.start(), hub)
        hub.pause = 0.0
        assert made.stop() == 0


def row(page: Page, name: str) -> Locator:
    link = page.get_by_role("link", name=name, exact=True)
    return page.locator("table.models tbody tr").filter(has=link)


def order(page: Page, name: str, what: str) -> None:
    """Choose something from the menu of a model."""
    row(page, name).get_by_role("button", name="More for").click()
    page.locator("[popover]:popover-open").get_by_text(what).click()


def fetch(page: Page) -> None:
    """Ask for what was named, and say yes."""
    page.locator(".exactly").get_by_role("button").click()
    page.locator("dialog").get_by_role("button", name="Get", exact=True).click()
    expect(page.locator("dialog")).to_be_hidden()


def job(page: Page, name: str) -> Locator:
    return page.locator(".job").filter(has_text=name)


def test_a_download_shows_its_progress_pauses_and_goes_on_without_its_page(
    visit: Open, workshop: Workshop
) -> None:
    workshop.hub.pause = 0.3
    page = visit(workshop.found + "acme/one-GGUF")
    page.locator(".exactly").get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("4.6 MB to fetch, and the disk has room.")
    expect(dialog).to_contain_text("In memory: about")
    dialog.get_by_role("button", name="Get", exact=True).click()
    expect(job(page, "acme/one-GGUF")).to_contain_text("left")
    page.close()
    other = visit(workshop.page)
    expect(job(other, "acme/one-GGUF")).to_contain_text("of 4.6 MB")
    job(other, "acme/one-GGUF").get_by_role("button", name="Pause").click()
    expect(job(other, "acme/one-GGUF")).to_contain_text("Paused. What has come is kept.")
    workshop.hub.pause = 0.0
    job(other, "acme/one-GGUF").get_by_role("button", name="Continue").click()
    expect(job(other, "acme/one-GGUF")).to_contain_text("Got acme/one-GGUF")
    expect(row(other, "acme/one-GGUF:Q8_0")).to_contain_text("hf://acme/one-GGUF")
    starts = [one.start for one in workshop.hub.served if one.file == "one-Q8_0.gguf"]
    assert max(starts) > 0


def test_what_cannot_be_fetched_says_why_until_it_is_dismissed(
    visit: Open, workshop: Workshop
) -> None:
    page = visit(workshop.found + "acme/huge-GGUF")
    page.locator(".exactly").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("GB more on the disk")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("acme/gated-GGUF")
    expect(page.locator(".exactly")).to_contain_text("acme/gated-GGUF")
    fetch(page)
    failed = job(page, "acme/gated-GGUF")
    expect(failed).to_contain_text("is gated")
    expect(failed).to_contain_text("HF_TOKEN")
    page.reload()
    expect(failed).to_contain_text("is gated")
    failed.get_by_role("button", name="Dismiss").click()
    expect(failed).to_have_count(0)


def test_a_model_is_planned_loaded_pinned_and_unloaded(visit: Open, workshop: Workshop) -> None:
    page = visit(workshop.page)
    row(page, "llmd-tiny").get_by_role("button", name="Load", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("#plan")).to_contain_text("2,048")
    dialog.get_by_label("Context (tokens)").fill("512")
    dialog.get_by_label("Answers at a time").fill("4")
    expect(dialog.locator("#plan")).to_contain_text("512 \N{MULTIPLICATION SIGN} 4")
    dialog.get_by_label("Answers at a time").fill("9000")
    expect(dialog.locator("#plan")).to_contain_text("at most 256")
    dialog.get_by_role("button", name="Load", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("at most 256")
    dialog.get_by_label("Answers at a time").fill("4")
    dialog.get_by_role("button", name="Load", exact=True).click()
    card = page.locator(".resident").filter(has_text="llmd-tiny")
    expect(card).to_contain_text("0/4")
    expect(card).to_contain_text("planned")
    card.get_by_role("button", name="Pin").click()
    expect(card.get_by_role("button", name="Unpin")).to_be_visible()
    card.get_by_role("combobox").select_option("7200")
    wait_for(lambda: (workshop.daemon.loaded() or {}).get("keep_alive") == 7200)
    expect(row(page, "llmd-tiny")).to_contain_text("ready, pinned")
    row(page, "llmd-tiny").get_by_role("button", name="Unload").click()
    expect(page.get_by_text("No model is loaded.")).to_be_visible()
    assert workshop.daemon.loaded() is None


def test_a_model_that_answers_is_unloaded_after_a_question(visit: Open, workshop: Workshop) -> None:
    stream = workshop.daemon.open_stream(ENDLESS)
    next(stream.text())
    page = visit(workshop.page)
    page.locator(".resident").get_by_role("button", name="Unload").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("llmd-tiny is answering 1 requests.")
    dialog.get_by_role("button", name="Stop answers and unload").click()
    expect(page.get_by_text("No model is loaded.")).to_be_visible()
    stream.close()


def test_the_default_is_switched_while_llmd_runs(visit: Open, workshop: Workshop) -> None:
    page = visit(workshop.page)
    order(page, "llmd-tiny", "Copy")
    page.get_by_role("dialog").get_by_label("Name of the new model").fill("twin")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    expect(row(page, "twin")).to_be_visible()
    page.get_by_label("Chat", exact=True).select_option("twin")
    expect(row(page, "twin")).to_contain_text("default: Chat")
    answer = workshop.daemon.call(
        "POST", "/v1/chat/completions", {**chat("Hello", max_tokens=1), "model": "default"}
    )
    assert answer["model"] == "twin"
    order(page, "twin", "Delete")
    expect(page.get_by_role("dialog")).to_contain_text("The file stays: llmd-tiny")
    expect(page.get_by_role("dialog")).to_contain_text("the newest that can will answer instead")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "twin")).to_have_count(0)
    assert workshop.daemon.call("GET", "/control/models")["default"] != "twin"


def test_a_smaller_variant_is_made_looked_at_and_deleted(visit: Open, workshop: Workshop) -> None:
    page = visit(workshop.page)
    order(page, "llmd-tiny", "Quantise")
    expect(page.get_by_role("dialog").locator("input[value=Q4_K_M]")).to_be_checked()
    page.get_by_role("dialog").get_by_role("button", name="Quantise").click()
    expect(job(page, "llmd-tiny:Q4_K_M")).to_contain_text("Quantised llmd-tiny")
    row(page, "llmd-tiny:Q4_K_M").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("llmd-tiny:Q4_K_M")
    page.get_by_text("Metadata of the file").click()
    expect(page.get_by_role("rowheader", name="general.architecture")).to_be_visible()
    page.get_by_role("button", name="Check file").click()
    expect(job(page, "Checked")).to_contain_text("It is sound.")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("The file is deleted:")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(workshop.page)
    expect(row(page, "llmd-tiny:Q4_K_M")).to_have_count(0)


def test_a_dialog_that_takes_long_says_so_and_can_be_left(visit: Open, workshop: Workshop) -> None:
    page = visit(workshop.page)
    held: list[Route] = []
    # a function, since Playwright takes no bound method of a list
    page.route("**/web/models/quantize?*", lambda route: held.append(route))  # noqa: PLW0108
    dialog = page.get_by_role("dialog", name="One moment…")
    order(page, "llmd-tiny", "Quantise")
    expect(dialog).to_be_visible()
    with page.expect_event("requestfailed"):
        page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    order(page, "llmd-tiny", "Quantise")
    expect(dialog).to_be_visible()
    held[-1].fulfill(status=503, body='{"error": {"message": "Too busy.", "hint": ""}}')
    expect(page.get_by_role("alert")).to_have_text("Too busy.")
    expect(page.locator("dialog")).to_be_hidden()
    order(page, "llmd-tiny", "Quantise")
    expect(dialog).to_be_visible()
    held[-1].continue_()
    expect(page.get_by_role("dialog").locator("input[value=Q4_K_M]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()


def test_whatever_files_are_called_and_say_is_text(
    visit: Open, workshop: Workshop, tmp_path: Path
) -> None:
    values = {"general.name": EVIL, "general.license": EVIL, "tokenizer.chat_template": EVIL}
    file = write(tmp_path / f"{EVIL.replace('/', '')}.gguf", values)
    body = {"path": str(file), "name": "odd"}
    assert workshop.daemon.call("POST", "/control/models/import", body)["name"] == "odd"
    page = visit(workshop.page)
    expect(row(page, "odd")).to_contain_text("onerror")
    order(page, "odd", "Delete")
    expect(page.get_by_role("dialog")).to_contain_text("onerror")
    page.goto(workshop.page + "/of/odd")
    expect(page.locator("main")).to_contain_text("onerror")
    page.goto(workshop.found + EVIL)
    expect(page.get_by_role("searchbox")).to_have_value(EVIL)
    assert page.locator("img[onerror]").count() == 0
    assert page.title() != "hacked"
    workshop.daemon.call("DELETE", "/control/models/odd")


def test_who_may_only_look_sees_everything_and_no_button_that_acts(
    visit: Open, village: Daemon
) -> None:
    page = visit(village.address + "/login?next=/admin/models")
    log_in(page)
    expect(row(page, "llmd-tiny")).to_contain_text("apache-2.0")
    expect(page.get_by_role("button", name="Load")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Chat")).to_have_count(0)
    row(page, "llmd-tiny").get_by_role("button", name="Plan").click()
    expect(page.get_by_role("dialog")).to_contain_text("It fits.")
    expect(page.locator("dialog .chief")).to_have_count(0)
    page.goto(village.address + "/admin/models/catalogue?words=qwen")
    expect(page.locator(".offer").first).to_be_visible()
    expect(page.get_by_role("button", name="Get")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    visit: Open, workshop: Workshop, locale: str
) -> None:
    page = visit(workshop.page, width=360, height=740, locale=locale)
    expect(page.locator("table.models tr").nth(1)).to_be_visible()
    within(page)
    page.locator("table.models td.acts button").first.click()
    expect(page.locator("#plan .verdict")).to_be_visible()
    within(page)
    for path in ("/of/llmd-tiny", "/catalogue?words=qwen"):
        page.goto(workshop.page + path)
        within(page)


def within(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.getElementById('dialog').scrollWidth") <= 360


def test_a_download_is_taken_up_again_after_a_restart(visit: Open, workshop: Workshop) -> None:
    workshop.hub.pause = 0.3
    page = visit(workshop.found + "acme/two-GGUF")
    fetch(page)
    expect(job(page, "acme/two-GGUF")).to_contain_text("left")
    page.close()
    assert workshop.daemon.stop() == 0
    workshop.hub.pause = 0.0
    workshop.daemon.start()
    page = visit(workshop.page)
    left = job(page, "acme/two-GGUF")
    expect(left).to_contain_text("llmd was restarted meanwhile.")
    left.get_by_role("button", name="Continue").click()
    expect(left).to_contain_text("Got acme/two-GGUF")
