"""Parts of pages that live: each is a template over the daemon's snapshot, sent by server-sent
events when what it shows has changed.

A region is filled once per snapshot and language for all who watch, so that the eighth dashboard
costs no more than its bytes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

import msgspec

from llmd.protocol.callers import Scope
from llmd.protocol.feed import Snapshot
from llmd.server.web.pages import Site
from llmd.server.web.words import Words
from llmd.services.bundle import Services

_KEPT = 64

Facts = Callable[[Services, Snapshot], Mapping[str, object]]


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a page that is told anew when it changes."""

    name: str
    """Of its events, and in `data-region` of the element it fills."""
    template: str = ""
    """Below templates/; empty: the facts themselves are sent, as JSON."""
    facts: Facts
    """What the template shows, or what is sent; it must not wait for anything."""
    scope: Scope = Scope.METRICS


def snapshot_itself(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Give a template the snapshot as `snapshot`."""
    del services
    return {"snapshot": snapshot}


class Event(msgspec.Struct, frozen=True):
    """A region as it is now."""

    region: str
    data: str
    digest: bytes


class Live:
    """Regions, filled once for all who watch."""

    def __init__(self, services: Services, regions: Sequence[Region]) -> None:
        self._services = services
        self.regions = {region.name: region for region in regions}
        self._filled: OrderedDict[tuple[str, str, float], Event] = OrderedDict()

    async def watch(
        self, site: Site, said: Words, wanted: Sequence[str]
    ) -> AsyncGenerator[list[Event]]:
        """Yield what has changed of some regions, all of them at first."""
        sent: dict[str, bytes] = {}
        async for snapshot in self._services.feed.watch():
            events = [self.fill(site, said, self.regions[name], snapshot) for name in wanted]
            news = [event for event in events if sent.get(event.region) != event.digest]
            sent |= {event.region: event.digest for event in news}
            if news:
                yield news

    def fill(self, site: Site, said: Words, region: Region, snapshot: Snapshot) -> Event:
        """Return a region as it is in a snapshot."""
        key = (region.name, said.language, snapshot.at)
        known = self._filled.get(key)
        if known is None:
            known = self._filled[key] = self._fill(site, said, region, snapshot)
            while len(self._filled) > _KEPT:
                self._filled.popitem(last=False)
        return known

    def _fill(self, site: Site, said: Words, region: Region, snapshot: Snapshot) -> Event:
        facts = region.facts(self._services, snapshot)
        if region.template:
            data = site.render(region.template, said, **facts)
        else:
            data = msgspec.json.encode(facts).decode()
        return Event(region.name, data, hashlib.blake2b(data.encode(), digest_size=16).digest())


def line(event: Event) -> bytes:
    """Return an event in the format of the HTML standard's server-sent events."""
    data = "".join(f"data: {part}\n" for part in event.data.split("\n"))
    return f"event: {event.region}\n{data}\n".encode()
