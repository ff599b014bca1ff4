"""How all of them answer: in the envelope."""

from __future__ import annotations

import msgspec
from aiohttp import web

from llmd.server.dialects.platform import convert


def enveloped(data: object) -> web.Response:
    """Return an answer that is no error."""
    body = msgspec.json.encode(convert.envelope(data))
    return web.Response(body=body, content_type="application/json")
