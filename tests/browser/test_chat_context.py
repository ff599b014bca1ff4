"""The chat page where a conversation is longer than the model's context."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.conversations import answered, keep, say
from tests.integration.conftest import Daemon

FRANCE = "What is the capital of France?"
LONG = (("user", "The old bear slept. " * 600), ("assistant", "Good."))
LEFT_OUT = re.compile(r"The oldest [\d,]{4,} tokens were left out")


def test_what_was_left_out_is_told_at_each_version_of_an_answer(visit: Open, chats: Daemon) -> None:
    page = visit(f"{chats.address}/?s={keep(chats, 'Long', *LONG)}")
    expect(page.locator("#log .left-out")).to_be_hidden()
    say(page, FRANCE)
    answer = answered(page, "Paris")
    expect(answer.locator(".left-out")).to_have_text(LEFT_OUT)
    page.keyboard.press("Alt+p")
    page.get_by_label("Longest answer").fill("3")
    page.keyboard.press("Escape")
    answer.get_by_role("button", name="Answer again").click()
    expect(answer.locator(".versions")).to_contain_text("2 / 2")
    page.reload()
    answer = answered(page, "The capital")
    expect(answer.locator(".left-out")).to_have_text(LEFT_OUT)
    expect(answer.locator(".notice")).to_contain_text("Cut off")
    answer.get_by_role("button", name="Earlier version").click()
    expect(answer.locator(".left-out")).to_have_text(LEFT_OUT)
    expect(answer.locator(".notice")).to_be_hidden()


def test_a_message_that_is_too_long_alone_is_refused_with_advice(
    visit: Open, chats: Daemon
) -> None:
    page = visit(chats.address)
    say(page, LONG[0][1])
    refused = page.locator("#log > .answer .notice").last
    expect(refused).to_contain_text("Shorten the message, or choose a model", timeout=30_000)
    expect(refused).not_to_contain_text("truncate")


def test_what_is_too_long_is_refused_where_that_is_chosen(visit: Open, chats: Daemon) -> None:
    page = visit(f"{chats.address}/?s={keep(chats, 'Long', *LONG)}")
    page.keyboard.press("Alt+p")
    page.get_by_label("Too long").select_option(label="Do not answer")
    page.keyboard.press("Escape")
    say(page, FRANCE)
    refused = page.locator("#log > .answer .notice").last
    expect(refused).to_contain_text("but the context of this model holds 2048")
    expect(refused).to_contain_text("“Too long”, among the parameters")
    page.keyboard.press("Alt+p")
    page.get_by_label("Too long").select_option(label="Leave out oldest")
    page.keyboard.press("Escape")
    refused.get_by_role("button", name="Try again").click()
    expect(answered(page, "Paris").locator(".left-out")).to_have_text(LEFT_OUT)
