from __future__ import annotations

import asyncio
import re

import jinja2
import pytest

from llmd.config.settings import AuthMode
from llmd.errors import ConfigInvalid
from llmd.server.web import pages
from llmd.server.web.pages import Site, Sites
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive

ALL = sorted(
    path.relative_to(pages._TEMPLATES).as_posix() for path in pages._TEMPLATES.rglob("*.html")
)
EVIL = "<img src=x onerror=alert(1)>\"'&"


async def test_pages_let_only_their_own_files_run_and_nobody_frame_them(connect: Connect) -> None:
    headers = (await Visitor(await connect(tcp=True)).open("/")).headers
    policy = dict(part.strip().partition(" ")[::2] for part in pages.POLICY.split(";"))
    assert headers["Content-Security-Policy"] == pages.POLICY
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in pages.POLICY
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_a_page_speaks_the_language_and_has_the_theme_of_its_browser(
    connect: Connect,
) -> None:
    visitor = Visitor(await connect(tcp=True))
    assert '<html lang="zh">' in await (await visitor.open("/login", Accept_Language="zh")).text()
    visitor.keep("language", "en")
    visitor.keep("theme", "dark")
    page = await (await visitor.open("/login", Accept_Language="zh")).text()
    assert '<html lang="en" data-theme="dark">' in page


@pytest.mark.parametrize("value", ["xx", '"><script>', "../zh"])
async def test_an_odd_language_is_none(connect: Connect, value: str) -> None:
    visitor = Visitor(await connect(tcp=True))
    visitor.keep("language", value)
    page = await visitor.open("/login")
    assert page.status == 200
    assert "<script>" not in await page.text()


async def test_what_somebody_is_called_is_never_markup(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.send("/login", name=EVIL, password="x", next=f"/?q={EVIL}")
    text = await answer.text()
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;" in text


async def test_words_for_scripts_cannot_end_their_element(site: Site) -> None:
    hostile = jinja2.Environment(autoescape=True).from_string(
        '<script type="application/json">{{ words|tojson }}</script>'
    )
    assert hostile.render(words={"a": "</script><script>"}).count("</script>") == 1
    source, _, _ = site.templates.loader.get_source(site.templates, "base.html")  # type: ignore[union-attr]  # there is one
    assert "|tojson }}</script>" in source


async def test_a_template_that_knows_something_not_is_a_mistake(site: Site) -> None:
    with pytest.raises(jinja2.UndefinedError):
        site.templates.from_string("{{ nothing }}").render()
    assert site.templates.autoescape is True


async def test_a_page_of_its_own_says_more_words_than_the_frame_below_it(site: Site) -> None:
    # a template that another one extends is run later, and must not take its words away
    leaf = site.templates.from_string(
        "{% extends 'admin/base.html' %}{% set spoken = ['login'] %}{% block name %}x{% endblock %}"
    )
    from llmd.protocol.callers import Caller, Scope
    from llmd.server.web import words

    text = leaf.render(
        t=words.load()["en"],
        caller=Caller(),
        may=Caller().scopes,
        Scope=Scope,
        stamp="s",
        theme="",
        path="/admin",
        mode="open",
    )
    assert '"login.caps"' in text
    assert '"live.lost"' in text


async def test_without_a_secret_no_page_is_made_and_the_reason_is_told(
    arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await arrive(AuthMode.OPEN)

    async def none(_: str) -> str:
        raise ConfigInvalid("The secret cannot be read.", hint="Mend it.")

    monkeypatch.setattr(visitor.guarded.bench.services.signing, "stamp", none)
    answer = await visitor.open("/")
    assert answer.status == 400
    assert answer.content_type == "text/plain"
    assert await answer.text() == "The secret cannot be read. Mend it.\n"


async def test_the_site_is_built_once_for_all_who_come_first(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    built = []
    monkeypatch.setattr(pages, "_build", lambda: built.append(1) or site)
    sites = Sites()
    await asyncio.gather(*(sites.get() for _ in range(20)))
    assert built == [1]


async def test_a_site_that_could_not_be_built_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    sites = Sites()

    def broken() -> Site:
        raise OSError

    monkeypatch.setattr(pages, "_build", broken)
    with pytest.raises(OSError):
        await sites.get()
    monkeypatch.setattr(pages, "_build", lambda: site)
    assert await sites.get() is site


async def test_fragments_are_kept_out_of_frames_and_caches_as_well(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def part(request: object, template: str) -> object:
        return await pages.fragment(request, "parts.html")  # type: ignore[arg-type]  # it is one

    monkeypatch.setattr("llmd.server.web.routes.front.page", part)
    answer = await Visitor(await connect(tcp=True)).open("/")
    assert answer.headers["Content-Security-Policy"] == pages.POLICY
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/login", "/admin", "/admin/nothing"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_pages_are_whole(connect: Connect, path: str, language: str) -> None:
    visitor = Visitor(await connect(tcp=True))
    text = await (await visitor.open(path, Accept_Language=language)).text()
    assert text.count("<!doctype html>") == text.count("</html>") == 1
    assert re.search(r"<title>[^<]+</title>", text)
    assert len(re.findall(r"<main\b", text)) == 1
    assert len(re.findall(r"<h1\b", text)) == 1
    assert 'href="#content"' in text
    assert 'id="content"' in text


async def test_a_template_is_compiled_with_all_that_it_is_made_of_beside_the_event_loop(
    site: Site,
) -> None:
    import threading

    import msgspec

    threads = set()
    templates = site.templates.overlay(cache_size=-1)
    compile_ = templates.compile

    def watched(*args: object, **kwargs: object) -> object:
        threads.add(threading.current_thread())
        return compile_(*args, **kwargs)  # type: ignore[arg-type, call-overload]  # as it is called

    templates.compile = watched  # type: ignore[method-assign, assignment]  # a spy
    fresh = msgspec.structs.replace(site, templates=templates, prepared=set())
    await fresh.prepare("login.html")
    assert {"login.html", "base.html", "parts.html"} <= fresh.prepared
    assert threads
    assert threading.main_thread() not in threads
    threads.clear()
    await fresh.prepare("login.html")
    assert threads == set()


@pytest.mark.parametrize("name", ALL)
def test_every_template_can_be_read_and_names_no_other_that_is_not_there(
    site: Site, name: str
) -> None:
    site._compile([name])
    assert name in site.prepared
