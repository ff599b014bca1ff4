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
    body = found.packed if _unpacks(request) and found.packed else found.body
    headers = {
        hdrs.CONTENT_TYPE: found.kind,
        hdrs.CACHE_CONTROL: _KEEP,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        "X-Content-Type-Options": "nosniff",
    }
    if body is not found.body:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=body, headers=headers)


def _unpacks(request: web.Request) -> bool:
    accepted = request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().replace(" ", "").split(",")
    # who refuses it says so with a weight, which browsers do not write
    return "gzip" in accepted


ROUTES = (get("/web/files/{version}/{name:.+}", file, None),)
