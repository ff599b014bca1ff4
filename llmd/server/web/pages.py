"""Templates made into pages and fragments.

All that is put into a template is escaped; what models, files and people call things is text and
never markup. The policy that goes with each page lets only llmd's own files run and be loaded.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).with_name("templates")
_PART = re.compile(r"{%-?\s*(?:extends|include|import|from)\s+[\"']([^\"']+)[\"']")
"""What a template is made of, where its name stands in it."""

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
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Site(msgspec.Struct, frozen=True):
    """What pages are made of, read from the disk once."""

    files: Files
    words: dict[str, Words]
    templates: jinja2.Environment
    prepared: set[str] = msgspec.field(default_factory=set)
    """Templates that have been compiled."""

    async def prepare(self, *templates: str) -> None:
        """Compile templates and all that they are made of, off the event loop, which would stand
        still for as long; it takes a hundredth of a second for each, so it is done for those only
        that somebody looks at.
        """
        if not self.prepared.issuperset(templates):
            await asyncio.to_thread(self._compile, templates)

    def render(self, template: str, said: Words, **facts: Any) -> str:
        """Fill a template; `t` in it is `said`."""
        return self.templates.get_template(template).render(t=said, **facts)

    def _compile(self, templates: Iterable[str]) -> None:
        for name in templates:
            if name in self.prepared or self.templates.loader is None:
                continue
            source, *_ = self.templates.loader.get_source(self.templates, name)
            self._compile(_PART.findall(source))
            self.templates.get_template(name)
            self.prepared.add(name)


class Sites:
    """Holds the site from the first page on: daemons that nobody looks at do without it."""

    def __init__(self) -> None:
        self._building = asyncio.Lock()
        self._site: Site | None = None

    async def get(self) -> Site:
        """Return the site."""
        if self._site is not None:
            return self._site
        async with self._building:
            if self._site is None:
                self._site = await asyncio.to_thread(_build)
            return self._site


SITE: web.AppKey[Sites] = web.AppKey("site", Sites)


async def page(
    request: web.Request, template: str, *, status: int = 200, **facts: Any
) -> web.Response:
    """Return a whole page; raise ConfigInvalid when there is no secret to make its stamp with."""
    stamp = await request.app[SERVICES].signing.stamp(request[VISIT].seal)
    whole = {
        "stamp": stamp,
        "theme": request[VISIT].theme,
        "path": request.path,
        "mode": str(request.app[SERVICES].access.mode),
    }
    return await _answer(request, template, status, whole | facts)


async def fragment(request: web.Request, template: str, **facts: Any) -> web.Response:
    """Return a part of a page, for htmx to put in its place."""
    return await _answer(request, template, 200, facts)


async def trouble(request: web.Request, error: LlmdError) -> web.Response:
    """Return the page that tells of an error."""
    try:
        return await page(request, "trouble.html", status=error.status, error=error)
    except LlmdError as worse:  # no page can be made, so it is told plainly
        return web.Response(text=f"{worse}\n", status=worse.status, headers=_HEADERS)


async def _answer(
    request: web.Request, template: str, status: int, facts: Mapping[str, Any]
) -> web.Response:
    site = await request.app[SITE].get()
    await site.prepare(template)
    # what is asked for before anything is known of the caller still gets a page
    caller = request.get(CALLER) or Caller(scopes=frozenset())
    standing = {"caller": caller, "may": caller.scopes, "Scope": Scope}
    text = site.render(template, said(request, site), **standing, **facts)
    return web.Response(text=text, content_type="text/html", status=status, headers=_HEADERS)


def said(request: web.Request, site: Site) -> Words:
    """Return the language of a browser."""
    accepted = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
    return site.words[words.choose(request[VISIT].language, accepted)]


def _build() -> Site:
    import jinja2  # noqa: PLC0415  memory that daemons without visitors do not pay for

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
    return Site(files, words.load(), templates)
