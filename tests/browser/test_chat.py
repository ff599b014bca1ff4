"""The chat page: talking, asking again, branching, what is kept, the list at the side."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open, log_in
from tests.browser.conversations import SEEING, TINY, answered, keep, say
from tests.integration.conftest import Daemon

FRANCE = "What is the capital of France?"
SPAIN = "What is the capital of Spain?"


def sessions(page: Page, daemon: Daemon) -> list[str]:
    found = page.request.get(f"{daemon.address}/web/chat/sessions").json()["sessions"]
    return [session["title"] for session in found]


def test_a_first_visit_leads_to_a_streamed_answer(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    before = sessions(page, chats)
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    page.get_by_label("Model", exact=True).select_option(TINY)
    expect(page.locator("#abilities")).to_contain_text("2k tokens of context")
    assert sessions(page, chats) == before  # none is made before something is said
    page.get_by_role("button", name=FRANCE).click()
    answer = answered(page, "Paris")
    expect(answer.locator(".figures")).to_have_text(
        re.compile(r"llmd-tiny · \d+ tokens · [\d.,]+ tokens/s · first after [\d.]+ m?s")
    )
    expect(page).to_have_title(f"{FRANCE} · llmd")
    expect(page).to_have_url(re.compile(r"/\?s=[0-9a-f-]{36}$"))
    expect(page.locator("#sessions a[aria-current] .name")).to_have_text(FRANCE)
    expect(page.locator("#announcer")).to_have_text("Answer: The capital of France is Paris.")


def test_an_answer_has_versions_and_a_question_branches(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    say(page, FRANCE)
    answer = answered(page, "Paris")
    answer.get_by_role("button", name="Answer again").click()
    expect(answer.locator(".versions")).to_contain_text("2 / 2")
    answered(page, "Paris")
    answer.get_by_role("button", name="Earlier version").click()
    expect(answer.locator(".versions")).to_contain_text("1 / 2")
    page.reload()
    expect(page.locator(".versions")).to_contain_text("2 / 2")
    old = page.url
    page.get_by_label("Message", exact=True).press("ArrowUp")
    page.get_by_role("textbox", name="Edit").fill(SPAIN)
    page.keyboard.press("Enter")
    answered(page, "Madrid")
    expect(page.locator("#log > .message")).to_have_count(2)
    expect(page.locator("#notes")).to_contain_text(f"“{FRANCE}” stays as it was.")
    page.go_back()
    expect(page).to_have_url(old)
    answered(page, "Paris")
    page.go_forward()
    answered(page, "Madrid")


def test_parameters_count_and_are_kept_with_their_session(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    page.get_by_label("Model", exact=True).select_option(TINY)
    page.keyboard.press("Alt+p")
    panel = page.get_by_role("dialog", name="Parameters")
    expect(panel).to_contain_text("Default: 0.8.")
    panel.get_by_label("Longest answer").fill("3")
    panel.get_by_label("Temperature").fill("99")
    expect(panel.get_by_label("Temperature")).to_have_attribute("aria-invalid", "true")
    panel.get_by_role("button", name="Done").click()
    with page.expect_request(re.compile("/turns$")) as sent:
        say(page, FRANCE)
    assert json.loads(sent.value.post_data or "")["parameters"] == {"max_tokens": 3}
    answer = answered(page, "The capital")
    expect(answer.locator(".notice")).to_contain_text("Cut off")
    expect(answer.get_by_role("button", name="Go on")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Parameters, 1 changed").click()
    expect(panel.get_by_label("Longest answer")).to_have_value("3")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="New chat").click()
    expect(page.get_by_role("button", name="Parameters", exact=True)).to_be_visible()


def test_what_is_typed_stays_with_its_session(visit: Open, chats: Daemon) -> None:
    first = keep(chats, "First", ("user", "one"), ("assistant", "two"))
    page = visit(f"{chats.address}/?s={first}")
    field = page.get_by_label("Message", exact=True)
    expect(page.locator("#log")).to_contain_text("two")
    field.fill("half a thought")
    page.get_by_role("link", name="New chat").click()
    expect(field).to_have_value("")
    field.fill("another one\nof two lines")
    page.reload()
    expect(field).to_have_value("another one\nof two lines")
    page.get_by_role("link", name="First", exact=True).click()
    expect(field).to_have_value("half a thought")


def test_what_could_not_be_sent_is_put_back_and_asked_once(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    page.get_by_label("Model", exact=True).select_option(TINY)
    ids: list[str] = []

    def lose(route: object) -> None:
        """Let llmd hear of it, but not the page of the answer, as broken connections do."""
        ids.append(json.loads(route.request.post_data)["request_id"])  # type: ignore[attr-defined]
        route.fetch()  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route("**/turns", lose, times=1)
    say(page, FRANCE)
    expect(page.get_by_role("alert")).to_contain_text("llmd could not be reached")
    field = page.get_by_label("Message", exact=True)
    expect(field).to_have_value(FRANCE)
    with page.expect_request(re.compile("/turns$")) as sent:
        field.press("Enter")
    assert json.loads(sent.value.post_data or "")["request_id"] == ids[0]
    answered(page, "Paris")
    page.reload()
    answered(page, "Paris")
    expect(page.locator("#log > .message")).to_have_count(2)


def test_what_is_typed_outlives_the_login(visit: Open, village: Daemon) -> None:
    page = visit(village.address)
    log_in(page)
    field = page.get_by_role("textbox", name="Message")
    expect(page.locator("#examples button")).to_have_count(4)
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    field.fill(FRANCE)
    page.context.clear_cookies()
    field.press("Enter")
    expect(page).to_have_url(re.compile("/login"))
    log_in(page)
    expect(field).to_have_value(FRANCE)
    field.press("Enter")
    answered(page, "Paris")


def test_what_is_sent_before_the_models_are_known_goes_once_they_are(
    visit: Open, daemon: Daemon
) -> None:
    page = visit(daemon.address)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/web/chat/models", hold, times=1)
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type(FRANCE)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_have_value(FRANCE)
    held[0].continue_()
    answered(page, "Paris")


def test_enter_of_an_input_method_sends_nothing(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address, locale="zh-CN")
    expect(page.get_by_role("heading", name="想了解些什么")).to_be_visible()
    page.get_by_label("模型", exact=True).select_option(TINY)
    field = page.get_by_label("消息", exact=True)
    field.fill("法国的首都")
    composing = {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True}
    field.dispatch_event("keydown", composing)
    expect(field).to_have_value("法国的首都")
    expect(page.locator("#log > .message")).to_have_count(0)
    field.press("Shift+Enter")
    expect(field).to_have_value("法国的首都\n")
    field.press("Enter")
    expect(page.locator(".user .said")).to_have_text("法国的首都\n")
    answered_in_chinese = page.locator("#log > .answer .figures")
    expect(answered_in_chinese).to_contain_text("token")
    expect(page.get_by_role("button", name="重新回答")).to_be_visible()


def test_enter_begins_a_line_on_a_soft_keyboard(visit: Open, chats: Daemon) -> None:
    kept = keep(chats, "On a phone", ("user", "one"), ("assistant", "two"))
    page = visit(f"{chats.address}/?s={kept}", width=1000, has_touch=True, is_mobile=True)
    expect(page.locator("#hint")).to_be_hidden()
    field = page.get_by_label("Message", exact=True)
    field.fill("a line")
    field.press("Enter")
    expect(field).to_have_value("a line\n")
    page.locator(".user").get_by_role("button", name="Edit").tap()
    field = page.get_by_role("textbox", name="Edit")
    field.fill("a line")
    field.press("Enter")
    expect(field).to_have_value("a line\n")
    expect(page.locator("#log > .message")).to_have_count(2)


def test_sessions_are_renamed_searched_and_deleted(visit: Open, chats: Daemon) -> None:
    kept = keep(chats, "About zebras", ("user", "the word okapi"), ("assistant", "Yes."))
    keep(chats, "About ants", ("user", "the word ant"))
    page = visit(f"{chats.address}/?s={kept}")
    row = page.locator(f'[data-id="{kept}"]')
    row.hover()
    row.get_by_role("button", name="Rename").click()
    page.get_by_label("Title of the conversation").fill("Stripes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stripes")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="As Markdown").click()
    assert download.value.suggested_filename == "Stripes.md"
    assert "the word okapi" in download.value.path().read_text(encoding="utf-8")
    page.keyboard.press("Control+k")
    page.keyboard.type("okapi")
    expect(page.locator(".row-session")).to_have_count(1)
    row.hover()
    row.get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete this conversation?")
    expect(question).to_contain_text("“Stripes”")
    question.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator("#session-none")).to_have_text("Nothing found.")
    page.goto(f"{chats.address}/?s={kept}")
    expect(page.get_by_role("alert")).to_contain_text("There is no session")
    expect(page).to_have_url(re.compile(r"/$"))


def test_two_tabs_on_one_session_show_the_same(visit: Open, chats: Daemon) -> None:
    kept = keep(chats, "Shared", ("user", "Hello"), ("assistant", "Hello!"))
    page = visit(f"{chats.address}/?s={kept}")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#log > .message")).to_have_count(2)
    say(page, FRANCE)
    answered(other, "Paris")
    expect(other.locator("#log > .message")).to_have_count(4)
    expect(page.locator("#log > .message")).to_have_count(4)


def test_pictures_go_where_they_are_seen(visit: Open, chats: Daemon, tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    Image.effect_noise((2000, 1000), 90).save(picture)
    page = visit(chats.address)
    choice = page.get_by_label("Model", exact=True)
    choice.select_option(TINY)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(picture)
    expect(page.locator("#notes")).to_contain_text("llmd-tiny does not see pictures.")
    choice.select_option(SEEING)
    page.locator("#files").set_input_files(picture)
    preview = page.get_by_role("img", name="Picture 1")
    assert preview.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1536, 768]
    choice.select_option(TINY)
    page.get_by_label("Message", exact=True).fill("What is it?")
    page.keyboard.press("Enter")
    expect(page.locator("#trouble")).to_contain_text("seeing does.")
    page.keyboard.press("Alt+p")
    page.get_by_label("Longest answer").fill("2")
    page.keyboard.press("Escape")
    choice.select_option(SEEING)
    page.get_by_label("Message", exact=True).press("Enter")
    answered(page)
    page.reload()
    shown = page.get_by_role("img", name="Attached picture")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1536
    expect(preview).to_have_count(0)
