"""/openapi.json, Swagger UI and ReDoc, from the package: the pages fetch nothing from elsewhere.

Paths inside a page are relative, so that it works behind a proxy that serves llmd under a path of
its own. Scripts are files, never part of a page: what a document says cannot run.
"""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

import msgspec
from aiohttp import web

from llmd.errors import NotFound
from llmd.server.http.body import read_query
from llmd.server.http.boundary import Encode
from llmd.server.http.route import Mount, Route, get
from llmd.server.openapi.document import Documents, Text

_PAGES = Path(__file__).with_name("pages")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
FILES = frozenset(
    {
        "favicon-32x32.png",
        "pages.css",
        "redoc.js",
        "redoc.standalone.js",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "swagger-ui.css",
        "swagger.js",
    }
)
"""What the pages are made of."""

_SAFE = {
    "Cache-Control": "no-cache",  # kept, and asked for again with its tag: llmd may be a newer one
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# both pages write styles as they go, and ReDoc's search is a worker made of a blob
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; worker-src 'self' blob:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Wanted(msgspec.Struct, frozen=True):
    """The query of `/openapi.json`."""

    dialect: str = ""
    """Empty: all of them."""


class Serving:
    """The handlers of one place that has a document and its pages."""

    def __init__(self, documents: Documents, dialect: str = "") -> None:
        """Show all dialects, or one of them only."""
        self._documents = documents
        self._dialect = dialect

    def routes(self) -> tuple[Route, ...]:
        """Return what answers there; none of it needs a key."""
        return (
            get("/openapi.json", self.document, None),
            get("/docs", self.swagger, None),
            get("/redoc", self.redoc, None),
            get("/docs/{file}", self.file, None),
        )

    async def document(self, request: web.Request) -> web.Response:
        """Return the OpenAPI document."""
        wanted = self._dialect or read_query(request, Wanted).dialect
        return _reply(request, await self._documents.get(wanted), "application/json")

    async def swagger(self, request: web.Request) -> web.Response:
        """Return the page of Swagger UI."""
        return await self._page(request, "swagger.html")

    async def redoc(self, request: web.Request) -> web.Response:
        """Return the page of ReDoc."""
        return await self._page(request, "redoc.html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Return a file of a page."""
        name = request.match_info["file"]
        if name not in FILES:
            raise NotFound("There is nothing at this path.", hint="The page is /docs.")
        kind = _TYPES[Path(name).suffix]
        return web.FileResponse(_PAGES / name, headers={**_SAFE, "Content-Type": kind})

    async def _page(self, request: web.Request, name: str) -> web.Response:
        page = await asyncio.to_thread((_PAGES / name).read_text, "utf-8")
        shown = html.escape(json.dumps(self._shown()))
        text = Text(Template(page).substitute(documents=shown).encode())
        reply = _reply(request, text, "text/html")
        reply.headers["Content-Security-Policy"] = _POLICY
        return reply

    def _shown(self) -> list[dict[str, str]]:
        if self._dialect:
            return [{"url": "openapi.json", "name": self._dialect}]
        each = [
            {"url": f"openapi.json?dialect={name}", "name": name}
            for name in self._documents.dialects
        ]
        return [{"url": "openapi.json", "name": "all dialects"}, *each]


def mounts(served: Sequence[Mount]) -> list[Mount]:
    """Return where the document and the pages of `served` answer: the root shows all dialects,
    `/api` the one whose document names `/api/docs`. They are no part of the document.
    """
    documents = Documents(served)
    places = [("", ""), *((one.prefix, one.name) for one in served if one.prefix == "/api")]
    return [
        Mount(prefix, Serving(documents, dialect).routes(), _encode(served, prefix))
        for prefix, dialect in dict.fromkeys(places)
    ]


def _encode(served: Sequence[Mount], prefix: str) -> Encode:
    return next(one.encode_error for one in served if one.prefix == prefix)


def _reply(request: web.Request, text: Text, kind: str) -> web.Response:
    known = {tag.value for tag in request.if_none_match or ()}
    if known & {text.tag, "*"}:
        return web.Response(status=304, headers={**_SAFE, "ETag": f'"{text.tag}"'})
    return web.Response(
        body=text.body,
        content_type=kind,
        charset="utf-8",
        headers={**_SAFE, "ETag": f'"{text.tag}"'},
    )
