"""What models, titles and other programs say is shown and never obeyed, however long or deep."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.conversations import answered, keep
from tests.integration.conftest import Daemon

HOSTILE = """
<img src=x onerror="window.bad=1"> <script>window.bad=1</script> </script></textarea></style>
<svg onload="window.bad=1"><animate onbegin="window.bad=1" attributeName=x></svg>

<p style="position:fixed;inset:0;background:red">over all</p>

<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.bad=1&gt;">

<form id=composer><input name=x></form><iframe src="/admin"></iframe><base href="https://evil.example/">

[one](javascript:window.bad=1) [two](JaVaScRiPt&#58;window.bad=1)
[three](data:text/html,<script>window.bad=1</script>) [four]( vbscript:x )
<javascript:window.bad=1> [five](/admin/keys)
[six](https://example.com/ "t\\" onclick=window.bad=1 x=\\"")

![seven](https://evil.example/x.png "a\\" onerror=\\"window.bad=1")
![e"ight onerror=window.bad=1](javascript:window.bad=1)

`<img src=x onerror=window.bad=1>` **<b onclick="window.bad=1">bold</b>** a<sub>2</sub>

```html"><img src=x onerror=window.bad=1>
</code></pre><script>window.bad=1</script>
```

| <img src=x onerror=window.bad=1> | b |
|--|:-:|
| $x_1 * y_2$ | \\(a_b\\) |

- [x] <input autofocus onfocus=window.bad=1>
"""
IMAGE = "<img src=x onerror=window.bad=1>"
TITLE = '"><img src=x onerror=window.bad=1>\u202e</title><script>window.bad=1</script>'


@pytest.fixture
def page(visit: Open, chats: Daemon) -> Page:
    session = keep(
        chats,
        TITLE,
        ("system", HOSTILE),
        ("user", HOSTILE),
        ("user", f"{IMAGE}:\n{IMAGE}"),
        ("assistant", HOSTILE),
        ("tool", HOSTILE),
        ("assistant", HOSTILE),
        model="<img src=x onerror=window.bad=1>",
        finish_reason="<img src=x onerror=window.bad=1>",
        reasoning=HOSTILE,
        tool_calls=[{"function": {"name": HOSTILE, "arguments": {"x": HOSTILE}}}],
        versions=[{"content": HOSTILE, "model": HOSTILE}],
        files=[{"name": IMAGE, "lines": 1}],
    )
    page = visit(chats.address)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{chats.address}/?s={session}")
    answered(page)
    links = page.locator(".answer").last.locator("a[href]").all()
    addresses = {link.get_attribute("href") for link in links}
    assert addresses == {"https://example.com/", "https://evil.example/x.png"}
    for link in links:
        assert link.get_attribute("rel") == "noopener noreferrer"
    assert all(url.startswith((chats.address, "data:", "blob:")) for url in asked)
    return page


def test_hostile_answers_and_titles_are_text(page: Page) -> None:
    for folded in page.locator("#log .folded").all():
        folded.evaluate("element => element.open = true")
    answer = page.locator("#log > .answer").last
    answer.get_by_role("button", name="Earlier version").click()
    answer.get_by_role("button", name="Later version").click()
    said = answer.locator(".said")
    expect(said).to_contain_text('<img src=x onerror="window.bad=1">')
    expect(said).to_contain_text("over all")
    expect(said.locator("table")).to_contain_text("$x_1 * y_2$")
    expect(said.locator("sub")).to_have_text("2")
    expect(said.locator("td").last).to_have_css("text-align", "center")
    expect(page.locator(".attached pre")).to_have_text(IMAGE)
    odd = "img, script, style, svg:not(.icon), iframe, form, input, base, math, [style], [id]"
    assert said.locator(odd).count() == 0
    assert (
        said.evaluate(
            "said => [...said.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
            ".filter(name => name.startsWith('on'))"
        )
        == []
    )
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(page.locator("#sessions a[aria-current] .name")).to_have_text(TITLE)
    assert page.evaluate("window.bad") is None


def test_what_is_nested_without_end_is_shown(visit: Open, chats: Daemon) -> None:
    texts = [
        ">" * 20_000 + "deep",
        "- " * 20_000 + "deep",
        "\n".join("  " * at + "- deep" for at in range(900)),
        "*" * 9_000 + "deep" + "*" * 9_000,
        "[" * 20_000 + "deep" + "](x)" * 20_000,
        "<b>" * 5_000 + "deep",
        "deep " * 100_000,
    ]
    session = keep(chats, "Deep", *[("assistant", text) for text in texts])
    page = visit(f"{chats.address}/?s={session}")
    expect(page.locator(".answer .said")).to_contain_text(["deep"] * len(texts))
    page.get_by_role("textbox", name="Message").fill("The page still answers")


def test_an_answer_with_everything_is_accessible(visit: Open, chats: Daemon) -> None:
    rich = (
        "# Head\n\nText with `code` and [a link](https://example.com/).\n\n```python\nx = 1\n```\n\n"
        "| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n> quoted\n\n- [x] done\n\n$x^2$"
    )
    calls = [{"id": "c", "function": {"name": "look", "arguments": '{"for":"x"}'}}]
    session = keep(
        chats, "Rich", ("user", "Show all"), ("assistant", rich),
        reasoning="Hmm.", tool_calls=calls, finish_reason="length", model="llmd-tiny",
        tokens_per_second=12.5, time_to_first_token=0.2, versions=[{"content": "Old"}],
    )  # fmt: skip
    page = visit(f"{chats.address}/?s={session}", color_scheme="dark", reduced_motion="reduce")
    answer = answered(page, "Head")
    expect(answer.locator(".figures")).to_contain_text("12.5 tokens/s · first after 200 ms")
    answer.locator(".call summary").click()
    expect(answer.locator(".call pre")).to_have_text('{\n  "for": "x"\n}')
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer.locator("figure").get_by_role("button", name="Copy").click()
    expect(page.locator("#notes")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "x = 1"
    expect(answer.locator(".reasoning summary")).to_have_text("Reasoning · 4 characters")
    assert wrongs(page) == []
    page.keyboard.press("Control+/")
    assert wrongs(page) == []
    page.keyboard.press("Escape")
    page.emulate_media(color_scheme="light")
    page.keyboard.press("Alt+p")
    assert wrongs(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="New chat").click()
    expect(page.locator("#greeting")).to_be_visible()
    assert wrongs(page) == []


def wrongs(page: Page) -> list[str]:
    # what is half faded in has too little contrast for a moment
    page.evaluate(
        "Promise.all(document.getAnimations().filter(one => one instanceof CSSTransition)"
        ".map(one => one.finished.catch(() => null))).then(() => true)"
    )
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:150] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_phone_shows_all_without_scrolling_sideways(visit: Open, chats: Daemon) -> None:
    code = "```python\n" + "x = 1; " * 60 + "\n```\n\n" + "| a " * 30 + "|\n" + "|--" * 30 + "|\n"
    said = (("user", "w" * 300), ("assistant", code + "u" * 400))
    session = keep(chats, "T" * 200, *said, model="m" * 90)
    page = visit(f"{chats.address}/?s={session}", width=360, height=740)
    answered(page)
    measure = (
        "[document.documentElement, document.body, ...document.querySelectorAll("
        "'.stage, main, .scroller, #log, .message, .composer, .top')].filter("
        "one => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right >"
        " innerWidth + 1).map(one => one.className || one.tagName)"
    )
    assert page.evaluate(measure) == []
    side = page.get_by_role("complementary", name="Conversations")
    expect(side).not_to_be_in_viewport()
    page.get_by_role("button", name="Conversations").click()
    expect(side).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(side).not_to_be_in_viewport()
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("link", name="New chat").click()
    expect(page.locator("#examples button")).to_have_count(4)
    expect(side).not_to_be_in_viewport()
    assert page.evaluate(measure) == []


def test_ten_thousand_messages_scroll(visit: Open, chats: Daemon) -> None:
    said = [(("user", "assistant")[at % 2], f"Message {at} of **many**.") for at in range(10_000)]
    page = visit(f"{chats.address}/?s={keep(chats, 'Endless talk', *said)}")
    messages = page.locator("#log > .message")
    expect(messages.last).to_contain_text("Message 9999")
    expect(messages.last).to_be_in_viewport()
    assert messages.count() <= 120  # a page or two, and not all of them
    scroller = page.locator("#scroller")
    for _ in range(5):
        first = messages.first.locator(".said").text_content() or ""
        scroller.evaluate("element => { element.scrollTop = 0; }")
        expect(messages.first).not_to_contain_text(first)
        # what was read stays in sight, though sixty messages came above it
        expect(page.get_by_text(first, exact=True)).to_be_in_viewport()
    assert messages.count() >= 360
    # those out of sight are not laid out
    drawn = page.evaluate(
        "[...document.querySelectorAll('#log > .message')].filter("
        "one => one.firstElementChild.checkVisibility({contentVisibilityAuto: true})).length"
    )
    assert drawn < 60
    page.get_by_role("button", name="To the end").click()
    expect(messages.last).to_be_in_viewport()
