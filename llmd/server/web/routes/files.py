"""Scripts, styles and pictures."""

from __future__ import annotations

from aiohttp import hdrs, web

from llmd.errors import NotFound
from llmd.server.http.route import get
from llmd.server.web.pages import SITE

_KEEP = "public, max-age=31536000, immutable"


async def file(request: web.Request) -> web.Response:
    """Return a file of the pages."""
    files = (await request.app[SITE].get()).files
    found = files.get(request.match_info["name"])
    if found is None or request.match_info["version"] != files.version:
        raise NotFound("There is no such file.", hint="Load the page again.")
    packs = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    headers = {
        hdrs.CONTENT_TYPE: found.kind,
        hdrs.CACHE_CONTROL: _KEEP,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        "X-Content-Type-Options": "nosniff",
    }
    if packs and found.packed:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(
        body=found.packed if packs and found.packed else found.body, headers=headers
    )


ROUTES = (get("/web/files/{version}/{name:.+}", file, None),)
