"""The daemon's log: its last lines, those that are written, and its files to keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import aclosing

import msgspec
from aiohttp import hdrs, web

from llmd.protocol.callers import Scope
from llmd.server.http.body import read_query
from llmd.server.http.keys import SERVICES
from llmd.server.http.route import get
from llmd.server.http.streaming import finished, open_stream
from llmd.server.web.entrance import still_may
from llmd.server.web.pages import page
from llmd.services.logbook import Batch
from llmd.telemetry.log_file import Entry, Place

_FIRST = 3000
"""Lines that a page begins with."""
_LONGEST = 20_000
"""Characters of one value; the file has all of them."""
_PLACE = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry of the log, as pages get it."""

    event: str
    time: str = ""
    level: str = ""
    logger: str = ""
    fields: list[tuple[str, str]] = []
    trace: str = ""


class Query(msgspec.Struct, frozen=True):
    """The query of the stream."""

    after: str = ""
    """The id of the last event that came."""


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    files = await request.app[SERVICES].logbook.files()
    return await page(request, "admin/logs.html", files=files)


async def follow(request: web.Request) -> web.StreamResponse:
    """Tell the last lines, or those that a page has missed, and then those that are written."""
    # browsers send the header when they connect again by themselves
    after = request.headers.get("Last-Event-ID", "") or read_query(request, Query).after
    logbook = request.app[SERVICES].logbook
    async with aclosing(logbook.watch(_FIRST, _place(after))) as batches:
        first = await anext(batches, None)
        async with open_stream(request, "text/event-stream") as stream:
            if first:
                await stream.send(_event(first))
            async for batch in batches:
                if not await still_may(request, [Scope.ADMIN]):
                    break
                await stream.send(_event(batch))
    return finished(request)


async def download(request: web.Request) -> web.StreamResponse:
    """Return a file of the log."""
    name = request.match_info["name"]
    found = await request.app[SERVICES].logbook.find(name)
    return web.FileResponse(
        found,
        headers={
            hdrs.CONTENT_TYPE: "application/x-ndjson",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="llmd-{name}"',
            hdrs.CACHE_CONTROL: "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def _event(batch: Batch) -> bytes:
    data = msgspec.json.encode(list(_lines(batch.entries)))
    kind = "fresh" if batch.fresh else "more"
    inode, offset = batch.place
    return b"event: %b\nid: %d-%d\ndata: %b\n\n" % (kind.encode(), inode, offset, data)


def _lines(entries: list[Entry]) -> Iterator[Line]:
    for entry in entries:
        yield Line(
            event=_cut(entry.event),
            time=entry.time,
            level=entry.level,
            logger=entry.logger,
            fields=[(_cut(name), _cut(value)) for name, value in entry.fields],
            trace=_cut(entry.trace),
        )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


ROUTES = (
    get("/admin/logs", show, Scope.ADMIN),
    get("/web/logs", follow, Scope.ADMIN),
    get("/web/logs/files/{name}", download, Scope.ADMIN),
)
