"""What strangers write is text, and what other sites try comes to nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Publish, log_in
from tests.integration.conftest import Daemon

EVIL = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>'\"{{7*7}}"


def unhurt(page: Page) -> None:
    assert page.title() != "hacked"
    assert page.locator("img[onerror]").count() == 0


def test_notes_are_text(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/admin")
    page.evaluate(
        """async (text) => {
            const base = document.querySelector('script[src*="/js/base.js"]').src;
            (await import(base)).note(text, true);
        }""",
        EVIL,
    )
    expect(page.get_by_role("alert").filter(has_text="onerror")).to_have_text(EVIL)
    unhurt(page)


def test_what_htmx_is_told_is_text(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/admin")
    page.evaluate(
        "(text) => document.body.dispatchEvent(new CustomEvent('llmd:told', {bubbles: true, detail: {value: text}}))",
        EVIL,
    )
    expect(page.locator("#notes")).to_contain_text("onerror")
    unhurt(page)


def test_names_that_were_typed_are_text(visit: Open, village: Daemon) -> None:
    page = visit(f"{village.address}/login?next={quote('/admin?q=' + EVIL)}")
    log_in(page, EVIL, "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value(EVIL)
    assert page.get_attribute("main", "data-next") == "/admin?q=" + EVIL
    unhurt(page)


@pytest.mark.parametrize("next_", ["//evil.example/", "/\\evil.example/", "https://evil.example/"])
def test_nobody_is_led_elsewhere_after_a_login(visit: Open, village: Daemon, next_: str) -> None:
    page = visit(f"{village.address}/login?next={quote(next_)}")
    log_in(page)
    expect(page).to_have_url(village.address + "/")


def test_a_path_is_text(visit: Open, daemon: Daemon) -> None:
    page = visit(f"{daemon.address}/admin/{quote(EVIL, safe='')}")
    expect(page.get_by_role("heading")).to_be_visible()
    unhurt(page)


def test_a_script_that_got_into_a_page_does_not_run(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address + "/admin", hostile=True)
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'hacked'";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", `<img src=x onerror="document.title='hacked'">`);
            document.body.insertAdjacentHTML("beforeend", `<a id=trap href="javascript:document.title='hacked'">x</a>`);
            document.body.insertAdjacentHTML("beforeend", `<p id=styled style="position: fixed">x</p>`);
        }"""
    )
    page.locator("#trap").evaluate("(link) => link.click()")
    # eval that the page itself asks for; what tests evaluate stands above its policy
    refused = page.evaluate(
        """() => new Promise((done) => {
            document.addEventListener("securitypolicyviolation", (event) => event.effectiveDirective.startsWith("connect") && done(true));
            fetch("http://192.0.2.1/").catch(() => null);
        })"""
    )
    assert refused
    assert page.title() != "hacked"
    assert page.locator("#styled").evaluate("(one) => getComputedStyle(one).position") == "static"


def test_no_other_site_has_a_page_in_a_frame(visit: Open, daemon: Daemon, publish: Publish) -> None:
    page = visit(publish(f'<iframe src="{daemon.address}/admin"></iframe>'), hostile=True)
    framed = page.frame_locator("iframe")
    expect(framed.locator("main")).to_have_count(0)
    assert page.frames[1].url != daemon.address + "/admin"


@pytest.mark.parametrize("path", ["/logout", "/web/choice"])
def test_no_other_site_posts_a_form(
    visit: Open, village: Daemon, publish: Publish, path: str
) -> None:
    page = visit(village.address + "/login", hostile=True)
    log_in(page)
    expect(page).to_have_url(village.address + "/")
    page.goto(
        publish(
            f"""<form method="post" action="{village.address}{path}">
            <input name="what" value="theme"><input name="value" value="dark"><button>x</button></form>"""
        )
    )
    with page.expect_response("**" + path) as answered:
        page.get_by_role("button").click()
    assert answered.value.status == 403
    page.goto(village.address + "/")
    expect(page).to_have_url(village.address + "/")
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_no_other_site_reads_or_calls_anything(
    visit: Open, daemon: Daemon, publish: Publish
) -> None:
    page = visit(publish("<p>elsewhere</p>"), hostile=True)
    tries = """async (base) => {
        const one = async (path, options) => {
            try { const answer = await fetch(base + path, options); return answer.type + answer.status; }
            catch { return "refused"; }
        };
        return Promise.all([
            one("/web/who", {credentials: "include"}),
            one("/", {credentials: "include"}),
            one("/web/choice", {method: "POST", body: new URLSearchParams({what: "theme"})}),
            one("/web/who", {mode: "no-cors"}),
            new Promise((done) => {
                const source = new EventSource(base + "/web/live?regions=overview");
                source.onopen = () => done("open");
                source.onerror = () => done("refused");
            }),
        ]);
    }"""
    *read, opaque, live = page.evaluate(tries, daemon.address)
    assert read == ["refused"] * 3
    assert opaque in {"opaque0", "refused"}
    assert live == "refused"
