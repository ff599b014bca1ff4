"""What calls of pages answer, when it is no page and no fragment."""

from __future__ import annotations

import json as standard_json

import msgspec
from aiohttp import hdrs, web

from llmd.errors import LlmdError

_KEPT_OUT = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}


def json(body: object, status: int = 200) -> web.Response:
    """Return one JSON document."""
    return web.Response(
        body=msgspec.json.encode(body),
        content_type="application/json",
        status=status,
        headers=_KEPT_OUT,
    )


def done(told: str = "", **events: object) -> web.Response:
    """Return nothing to be put anywhere; the page shows `told` for a moment, and its scripts get
    the events, as htmx has them (`HX-Trigger`).
    """
    all_events = {**({"llmd:told": told} if told else {}), **events}
    headers = {"HX-Trigger": standard_json.dumps(all_events)} if all_events else {}
    return web.Response(status=204, headers={**_KEPT_OUT, **headers})


def to(path: str) -> web.Response:
    """Have the browser go on at another page."""
    return web.Response(status=204, headers={**_KEPT_OUT, "HX-Redirect": path})


def encode(error: LlmdError) -> bytes:
    """Return what a call answers that failed: what happened, and what to do next."""
    wire = error.to_wire()
    shown = {name: wire[name] for name in ("code", "message", "hint", "param")}
    if error.retry_after is not None:
        shown["retry_after"] = error.retry_after
    return msgspec.json.encode({"error": shown})
