"""Templates made into pages and fragments.

All that is put into a template is escaped; what models, files and people call things is text and
never markup. The policy that goes with each page lets only llmd's own files run and be loaded.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from aiohttp import hdrs, web

import llmd
from llmd.errors import LlmdError
from llmd.protocol.callers import Caller, Scope
from llmd.server.http.keys import CALLER, SERVICES
from llmd.server.web import filters, words
from llmd.server.web.files import Files
from llmd.server.web.visits import VISIT
from llmd.server.web.words import LANGUAGES, Words

_TEMPLATES = Path(__file__).with_name("templates")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " connect-src 'self'; font-src 'self'; manifest-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Content-Security-Policy of all pages (W3C CSP Level 3)."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Site(msgspec.Struct, frozen=True):
    """What pages are made of, read from the disk once."""

    files: Files
    words: dict[str, Words]
    templates: jinja2.Environment

    def render(self, template: str, said: Words, **facts: Any) -> str:
        """Fill a template; `t` in it is `said`."""
        return self.templates.get_template(template).render(t=said, **facts)


SITE: web.AppKey[Sites] = web.AppKey("site")


class Sites:
    """Holds the site from the first page on: daemons that nobody looks at do without it."""

    def __init__(self) -> None:
        self._site: asyncio.Future[Site] | None = None

    async def get(self) -> Site:
        """Return the site."""
        if self._site is None:
            self._site = asyncio.ensure_future(asyncio.to_thread(_build))
        return await asyncio.shield(self._site)


async def page(
    request: web.Request, template: str, *, status: int = 200, **facts: Any
) -> web.Response:
    """Return a whole page."""
    site = await request.app[SITE].get()
    # what is asked for before anything is known of the caller still gets a page
    caller = request.get(CALLER) or Caller(scopes=frozenset())
    stamp = await request.app[SERVICES].signing.stamp(request[VISIT].seal)
    text = site.render(
        template,
        said(request, site),
        caller=caller,
        may=caller.scopes,
        Scope=Scope,
        stamp=stamp,
        theme=request[VISIT].theme,
        path=request.path,
        mode=str(request.app[SERVICES].access.mode),
        **facts,
    )
    return web.Response(text=text, content_type="text/html", status=status, headers=_HEADERS)


async def fragment(request: web.Request, template: str, **facts: Any) -> web.Response:
    """Return a part of a page, for htmx to put in its place."""
    site = await request.app[SITE].get()
    caller = request[CALLER]
    text = site.render(
        template, said(request, site), caller=caller, may=caller.scopes, Scope=Scope, **facts
    )
    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


async def trouble(request: web.Request, error: LlmdError) -> web.Response:
    """Return the page that tells of an error."""
    return await page(request, "trouble.html", status=error.status, error=error)


def said(request: web.Request, site: Site) -> Words:
    """Return the language of a browser."""
    accepted = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
    return site.words[words.choose(request[VISIT].language, accepted)]


def _build() -> Site:
    files = Files()
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    templates.globals |= {
        "file": files.url,
        "version": llmd.__version__,
        "languages": LANGUAGES,
    }
    templates.filters |= filters.FILTERS
    # all are read now, in a thread: later ones would stop the event loop
    for name in templates.list_templates(extensions=["html"]):
        templates.get_template(name)
    return Site(files, words.load(), templates)
