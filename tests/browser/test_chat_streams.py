"""Answers that are written while something happens: stopping, reloading, losing the daemon."""

from __future__ import annotations

import re
import signal
import socket

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.conversations import ENDLESS, TINY, answered, keep, say, writing
from tests.integration.conftest import Daemon, MakeDaemon

ASKED = "Go on and on."


def test_a_reader_stops_an_answer_by_button_and_by_key(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    say(page, ASKED, ENDLESS)
    writing(page)
    running = page.locator("#sessions .running").filter(visible=True)
    expect(running).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(answered(page, "filler").locator(".notice")).to_have_text("Stopped before its end.")
    expect(running).to_have_count(0)
    page.get_by_role("button", name="Answer again").click()
    writing(page)
    page.keyboard.press("Escape")
    expect(answered(page, "filler").locator(".versions")).to_contain_text("2 / 2")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_an_answer_goes_on_after_a_reload_and_behind_another_session(
    visit: Open, chats: Daemon
) -> None:
    other = keep(chats, "Something else", ("user", "Hello"), ("assistant", "Hello!"))
    page = visit(chats.address)
    say(page, ASKED, ENDLESS)
    begun = writing(page).inner_text()[:40]
    page.reload()
    expect(writing(page)).to_contain_text(begun)
    expect(page.locator(".user .said")).to_have_text(ASKED)
    page.locator(f'[data-id="{other}"] a').click()
    expect(page.locator(".said").last).to_have_text("Hello!")
    expect(page.locator("#sessions .running").filter(visible=True)).to_have_count(1)
    page.go_back()
    expect(writing(page)).to_contain_text(begun)
    page.keyboard.press("Escape")
    whole = answered(page, begun).locator(".said").inner_text()
    page.reload()
    expect(page.locator(".answer .said")).to_have_text(whole)


def test_the_end_stays_in_sight_only_for_who_is_there(visit: Open, chats: Daemon) -> None:
    said = [(("user", "assistant")[at % 2], f"line {at}\n\n" * 9) for at in range(12)]
    page = visit(f"{chats.address}/?s={keep(chats, 'Long', *said)}")
    expect(page.locator("#log > .message").last).to_be_in_viewport()
    say(page, ASKED, ENDLESS)
    writing(page)
    expect(page.locator(".writing")).to_be_in_viewport()
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -100_000)  # the answer grows while it is scrolled
    button = page.get_by_role("button", name="To the end")
    expect(button).to_be_visible()
    expect(page.locator(".writing")).not_to_be_in_viewport()
    button.click()
    expect(page.locator(".writing")).to_be_in_viewport()
    expect(button).to_be_hidden()
    page.keyboard.press("Escape")
    answered(page)


def test_a_daemon_that_comes_back_finds_what_was_asked_still_there(
    visit: Open, make_daemon: MakeDaemon, chats: Daemon
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    daemon = make_daemon(LLMD_PORT=port)
    found = chats.call("GET", "/control/models")["models"]
    path = next(model["path"] for model in found if model["name"] == ENDLESS)
    daemon.call("POST", "/control/models/import", {"path": path, "name": ENDLESS})
    page = visit(daemon.address)
    say(page, ASKED, ENDLESS)
    begun = writing(page).inner_text()[:40]
    assert daemon.process
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.communicate()
    expect(page.locator(".status")).to_contain_text("The connection is lost.")
    daemon.start()
    answer = page.locator(".answer")
    expect(answer.locator(".notice")).to_contain_text("The answer was cut off")
    expect(answer.locator(".said")).to_contain_text(begun)
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_have_value(ASKED)
    expect(page.get_by_role("alert")).to_contain_text("Here it is again.")


def test_a_reader_is_told_what_is_waited_for(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    page.get_by_label("Model", exact=True).select_option(TINY)
    told = page.evaluate(
        """async (states) => {
          const place = document.querySelector('link[href$="/js/chat/writing.js"]').href;
          const writing = new (await import(place)).Writing();
          return states.map((state) => {
            writing.state(state);
            return writing.article.querySelector(".status .words").textContent;
          });
        }""",
        [
            {"state": "loading"},
            {"state": "queued", "position": 3, "wait": 12.4},
            {"state": "queued", "position": 1, "wait": 0.2},
            {"state": "reading"},
            {"state": "reading", "read": 410, "prompt": 1000},
        ],
    )
    assert told == [
        "Loading llmd-tiny…",
        "In line, place 3 · about 12 s",
        "In line, place 1",
        "Reading…",
        "Reading the prompt, 41%",
    ]


def test_what_fails_is_told_in_its_place_and_tried_again(visit: Open, chats: Daemon) -> None:
    page = visit(chats.address)
    say(page, "word " * 2400, TINY)
    answer = page.locator(".answer")
    expect(answer.locator(".notice")).to_have_class(re.compile("wrong"))
    page.get_by_label("Model", exact=True).select_option(ENDLESS)
    answer.get_by_role("button", name="Try again").click()
    writing(page)
    page.get_by_role("button", name="Stop").click()
    answered(page, "filler")
    expect(page.locator("#log > .message")).to_have_count(2)
