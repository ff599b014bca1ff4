"""Text files in the chat page: what goes along, what is refused, what becomes of it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.conversations import ENDLESS, TINY, answered, keep, say, writing
from tests.browser.test_chat_hostile import wrongs
from tests.integration.conftest import Daemon

NOTES = "one\ntwo\n"
FRANCE = "What is the capital of France?"
DROP = """([files, how]) => {
  const given = new DataTransfer();
  for (const [name, text, type] of files) given.items.add(new File([text], name, {type}));
  const target = document.getElementById(how === "paste" ? "say" : "stage");
  const options = {bubbles: true, cancelable: true};
  const event = how === "paste"
    ? new ClipboardEvent("paste", {...options, clipboardData: given})
    : new DragEvent("drop", {...options, dataTransfer: given});
  target.dispatchEvent(event);
}"""


def drop(page: Page, *files: tuple[str, str, str], how: str = "drop") -> None:
    """Drop files, or paste them: name, text and media type of each."""
    page.evaluate(DROP, [[list(one) for one in files], how])


def test_text_files_go_with_the_question_and_are_folded(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    page.get_by_label("Model", exact=True).select_option(TINY)
    drop(page, ("notes.txt", NOTES, "text/plain"), ("a.svg", "<svg/>", "image/svg+xml"))
    drop(page, ("b.py", "x = 1", ""), how="paste")
    chips = page.locator("#previews li")
    expect(chips).to_have_text(["notes.txt2 lines", "a.svg1 line", "b.py1 line"])
    page.get_by_role("button", name="Remove a.svg").click()
    expect(chips).to_have_count(2)
    page.reload()
    expect(chips).to_have_text(["notes.txt2 lines", "b.py1 line"])
    with page.expect_request(re.compile("/turns$")) as sent:
        say(page, FRANCE)
    body = json.loads(sent.value.post_data or "")
    assert body["content"] == f"notes.txt:\none\ntwo\n\nb.py:\nx = 1\n\n{FRANCE}"
    answered(page)
    expect(chips).to_have_count(0)
    for _ in range(2):
        expect(page.locator(".user .said")).to_have_text(FRANCE)
        folded = page.locator(".user .attached details")
        expect(folded.locator("summary")).to_have_text(["notes.txt2 lines", "b.py1 line"])
        folded.first.locator("summary").click()
        expect(folded.first.locator("pre")).to_have_text("one\ntwo")
        assert wrongs(page) == []
        expect(page.get_by_role("heading", level=1)).to_have_text(FRANCE)
        page.reload()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".user").get_by_role("button", name="Copy").click()
    expect(page.locator("#notes")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == FRANCE


def test_an_edited_message_keeps_its_files(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    drop(page, ("notes.txt", NOTES, "text/plain"))
    say(page, FRANCE)
    answered(page)
    page.get_by_label("Message", exact=True).press("ArrowUp")
    field = page.get_by_role("textbox", name="Edit")
    expect(field).to_have_value(FRANCE)
    field.fill("And of Spain?")
    with page.expect_request(re.compile("/turns$")) as sent:
        page.keyboard.press("Enter")
    body = json.loads(sent.value.post_data or "")
    assert body["content"] == "notes.txt:\none\ntwo\n\nAnd of Spain?"
    answered(page)
    expect(page.locator(".user .attached summary")).to_have_text("notes.txt2 lines")


def test_what_can_not_go_along_is_told(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    page.get_by_label("Model", exact=True).select_option(TINY)
    notes = page.locator("#notes")
    drop(page, ("a.zip", "PK\0", "application/zip"), ("b.pdf", "%PDF\0", "application/pdf"))
    expect(notes).to_contain_text("a.zip, b.pdf: only pictures and text in UTF-8")
    assert wrongs(page) == []
    page.locator("#files").set_input_files(
        {"name": "latin.txt", "mimeType": "text/plain", "buffer": b"caf\xe9"}
    )
    expect(notes).to_contain_text("latin.txt: only pictures and text in UTF-8")
    drop(page, ("large.log", "x" * 8_000_001, "text/plain"))
    expect(notes).to_contain_text("large.log: the text files of a message have 8.0 MB at most.")
    expect(page.locator("#previews")).to_be_hidden()
    drop(page, *[(f"{number}.txt", "x", "text/plain") for number in range(22)])
    expect(notes).to_contain_text("At most 20 text files go with one message.")
    expect(page.locator("#previews li")).to_have_count(20)


def test_files_that_could_not_be_sent_are_put_back(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    page.route("**/turns", lambda route: route.abort(), times=1)
    page.get_by_label("Model", exact=True).select_option(TINY)
    drop(page, ("notes.txt", NOTES, "text/plain"))
    say(page, FRANCE)
    expect(page.get_by_role("alert")).to_contain_text("llmd could not be reached")
    expect(page.get_by_label("Message", exact=True)).to_have_value(FRANCE)
    expect(page.locator("#previews li")).to_have_text(["notes.txt2 lines"])
    page.get_by_label("Message", exact=True).press("Enter")
    answered(page)
    expect(page.locator(".user .attached summary")).to_have_text("notes.txt2 lines")


def test_a_file_alone_is_a_question_and_seen_while_it_is_answered(
    visit: Open, chats: Daemon
) -> None:
    page = visit(chats.address)
    page.get_by_label("Model", exact=True).select_option(ENDLESS)
    drop(page, ("notes.txt", NOTES, "text/plain"))
    page.get_by_role("button", name="Send").click()
    writing(page)
    page.reload()
    expect(page.locator(".user .attached summary")).to_have_text("notes.txt2 lines")
    expect(page.locator(".user .said")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("notes.txt")
    page.get_by_role("button", name="Stop").click()
    answered(page)


def test_what_is_told_of_files_that_are_not_there_changes_nothing(
    visit: Open, chats: Daemon
) -> None:
    for files in ([{"name": "a", "lines": 5}], [None], "a", [{"name": "x", "lines": 1e9}]):
        said = (("user", "x:\nnot a file"), ("assistant", "Yes."))
        page = visit(f"{chats.address}/?s={keep(chats, 'Odd', *said, files=files)}")
        expect(page.locator(".user .said")).to_have_text("x:\nnot a file")
        expect(page.locator(".user .attached")).to_be_hidden()
