"""Parts of pages that live: each is a template over the daemon's snapshot, sent by server-sent
events when what it shows has changed.

A region is filled once per snapshot and language for all who watch, and its event is written once
too, so that the eighth dashboard costs no more than its bytes. What goes into a region decides how
often it is sent: ages that only count up are the browser's to count.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

import msgspec

from llmd.protocol.callers import Scope
from llmd.protocol.feed import Snapshot
from llmd.server.web.pages import Site
from llmd.server.web.words import Words
from llmd.services.bundle import Services

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
    once: bool = False
    """Whether it is told to those who begin to watch and never again."""
    rows: bool = False
    """Whether the facts are rows by their keys, of which only those are sent that changed, see
    `Rows`.
    """


class Text:
    """A region as it is now."""

    def __init__(self, region: str, data: str) -> None:
        self.data = data
        self._event = event(region, data)

    def same(self, other: Text | Rows | None) -> bool:
        """Whether nothing has changed since."""
        return isinstance(other, Text) and other.data == self.data

    def since(self, before: Text | Rows | None) -> bytes:
        """Return the event for those who were told `before`."""
        del before
        return self._event


class Rows:
    """A region of rows as it is now; told as `{"at", "whole", "rows": {key: row}, "gone": [key]}`,
    where `whole` means that rows which are not named are gone too.
    """

    def __init__(self, region: str, at: float, rows: Mapping[str, object]) -> None:
        self._region = region
        self._at = at
        self.data = {key: msgspec.Raw(msgspec.json.encode(row)) for key, row in rows.items()}
        self._told: tuple[Rows | None, bytes] | None = None

    def same(self, other: Text | Rows | None) -> bool:
        """Whether nothing has changed since."""
        return isinstance(other, Rows) and other.data == self.data

    def since(self, before: Text | Rows | None) -> bytes:
        """Return the event for those who were told `before`."""
        known = before if isinstance(before, Rows) else None
        # nearly all were told the same before
        if self._told is None or self._told[0] is not known:
            self._told = (known, self._differences(known))
        return self._told[1]

    def _differences(self, before: Rows | None) -> bytes:
        past = before.data if before else {}
        told = {
            "at": self._at,
            "whole": before is None,
            "rows": {key: row for key, row in self.data.items() if past.get(key) != row},
            "gone": [key for key in past if key not in self.data],
        }
        return event(self._region, msgspec.json.encode(told).decode())


class Live:
    """Regions, filled once for all who watch."""

    def __init__(self, services: Services, regions: Sequence[Region]) -> None:
        self._services = services
        self.regions = {region.name: region for region in regions}
        self._filled: dict[tuple[str, str], tuple[Snapshot, Text | Rows]] = {}
        self._facts: dict[tuple[str, str], Mapping[str, object]] = {}

    async def now(self) -> Snapshot:
        """Return the present snapshot, for what stands in a page when it comes."""
        async with aclosing(self._services.feed.watch()) as snapshots:
            return await anext(snapshots)

    async def watch(self, site: Site, said: Words, wanted: Sequence[str]) -> AsyncGenerator[bytes]:
        """Yield events of what has changed of some regions, of all of them at first."""
        templates = (self.regions[name].template for name in wanted)
        await site.prepare(*filter(None, templates))
        told: dict[str, Text | Rows] = {}
        async with aclosing(self._services.feed.watch()) as snapshots:
            async for snapshot in snapshots:
                if news := self._news(site, said, wanted, snapshot, told):
                    yield news

    def _news(
        self,
        site: Site,
        said: Words,
        wanted: Sequence[str],
        snapshot: Snapshot,
        told: dict[str, Text | Rows],
    ) -> bytes:
        news = []
        for region in map(self.regions.__getitem__, wanted):
            before = told.get(region.name)
            if before and region.once:
                continue
            now = self.fill(site, said, region, snapshot)
            if now is not before:
                news.append(now.since(before))
                told[region.name] = now
        return b"".join(news)

    def fill(self, site: Site, said: Words, region: Region, snapshot: Snapshot) -> Text | Rows:
        """Return a region as it is in a snapshot; the same object as before where nothing has
        changed.
        """
        key = (region.name, said.language if region.template else "")
        seen, before = self._filled.get(key, (None, None))
        if before and seen is snapshot:
            return before
        facts = region.facts(self._services, snapshot)
        # comparing what a template would show costs a hundredth of filling it
        if before and region.template and facts == self._facts.get(key):
            self._filled[key] = (snapshot, before)
            return before
        self._facts[key] = facts
        now = self._fill(site, said, region, snapshot, facts)
        kept = before if before and now.same(before) else now
        self._filled[key] = (snapshot, kept)
        return kept

    @staticmethod
    def _fill(
        site: Site, said: Words, region: Region, snapshot: Snapshot, facts: Mapping[str, object]
    ) -> Text | Rows:
        if region.rows:
            return Rows(region.name, snapshot.at, facts)
        if region.template:
            return Text(region.name, site.render(region.template, said, **facts))
        return Text(region.name, msgspec.json.encode(facts).decode())


def event(region: str, data: str) -> bytes:
    """Return an event in the format of the HTML standard's server-sent events."""
    # a carriage return ends a line there too: what a client is called must not begin an event
    parts = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = "".join(f"data: {part}\n" for part in parts)
    return f"event: {region}\n{lines}\n".encode()
