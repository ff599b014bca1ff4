from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import jinja2
import msgspec
import pytest

from llmd.errors import Draining
from llmd.protocol.feed import Snapshot
from llmd.server.web.files import Files
from llmd.server.web.live import Live, Region, event
from llmd.server.web.pages import Site
from llmd.server.web.words import Words
from llmd.services.bundle import Services
from tests.fakes.moments import moment
from tests.fakes.snapshots import snapshot
from tests.unit.services.conftest import Bench

ENGLISH, CHINESE = Words("en", {"n": "{n} running"}), Words("zh", {"n": "{n} 个运行中"})


class Feed:
    """Snapshots when tests say so."""

    def __init__(self) -> None:
        self.latest = snapshot()
        self.watchers: list[asyncio.Event] = []
        self.over = False

    async def watch(self) -> AsyncGenerator[Snapshot]:
        news = asyncio.Event()
        self.watchers.append(news)
        try:
            while not self.over:
                yield self.latest
                await news.wait()
                news.clear()
        finally:
            self.watchers.remove(news)

    def tell(self, latest: Snapshot | None = None) -> None:
        self.latest = latest or snapshot()
        for news in self.watchers:
            news.set()


class Facts:
    """What a region shows, and how often it was asked for."""

    def __init__(self, **facts: object) -> None:
        self.facts: dict[str, object] = facts
        self.asked = 0

    def __call__(self, services: Services, latest: Snapshot) -> Mapping[str, object]:
        self.asked += 1
        return {**self.facts}


@pytest.fixture
def pages() -> Site:
    templates = jinja2.Environment(
        loader=jinja2.DictLoader({"n.html": "<p>\n{{ t('n', n=n) }}</p>"}), autoescape=True
    )
    return Site(Files(), {"en": ENGLISH, "zh": CHINESE}, templates)


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def services(bench: Bench, feed: Feed) -> Services:
    return msgspec.structs.replace(bench.services, feed=feed)


def told(events: bytes) -> dict[str, str]:
    """What each region was told."""
    found = {}
    for one in events.decode().split("\n\n")[:-1]:
        first, *rest = one.split("\n")
        found[first.removeprefix("event: ")] = "\n".join(
            line.removeprefix("data: ") for line in rest
        )
    return found


async def test_regions_are_told_at_once_and_again_only_when_they_change(
    services: Services, feed: Feed, pages: Site
) -> None:
    first, second = Facts(n=1), Facts(n=1)
    live = Live(
        services,
        [
            Region(name="first", template="n.html", facts=first),
            Region(name="second", facts=second),
        ],
    )
    async with aclosing(live.watch(pages, ENGLISH, ["first", "second"])) as changes:
        assert told(await anext(changes)) == {"first": "<p>\n1 running</p>", "second": '{"n":1}'}
        waiting = asyncio.ensure_future(anext(changes))
        feed.tell()
        await moment()
        assert not waiting.done()
        second.facts["n"] = 2
        feed.tell()
        assert told(await waiting) == {"second": '{"n":2}'}
    assert feed.watchers == []


async def test_many_watchers_cost_one_look(services: Services, feed: Feed, pages: Site) -> None:
    facts = Facts(n=1)
    live = Live(services, [Region(name="r", template="n.html", facts=facts)])
    watching = [live.watch(pages, ENGLISH, ["r"]) for _ in range(20)]
    assert len({await anext(one) for one in watching}) == 1
    assert facts.asked == 1
    facts.facts["n"] = 2
    waiting = [asyncio.ensure_future(anext(one)) for one in watching]
    await asyncio.sleep(0)
    feed.tell()
    assert {told(events)["r"] for events in await asyncio.gather(*waiting)} == {
        "<p>\n2 running</p>"
    }
    assert facts.asked == 2
    for one in watching:
        await one.aclose()


async def test_everybody_is_told_in_their_own_language(
    services: Services, feed: Feed, pages: Site
) -> None:
    live = Live(services, [Region(name="r", template="n.html", facts=Facts(n=1))])
    async with (
        aclosing(live.watch(pages, ENGLISH, ["r"])) as english,
        aclosing(live.watch(pages, CHINESE, ["r"])) as chinese,
    ):
        assert "1 running" in told(await anext(english))["r"]
        assert "1 个运行中" in told(await anext(chinese))["r"]


async def test_who_comes_late_is_told_all_of_it(
    services: Services, feed: Feed, pages: Site
) -> None:
    live = Live(services, [Region(name="r", facts=Facts(n=1))])
    async with aclosing(live.watch(pages, ENGLISH, ["r"])) as first:
        await anext(first)
        feed.tell()
        async with aclosing(live.watch(pages, ENGLISH, ["r"])) as second:
            assert told(await anext(second)) == {"r": '{"n":1}'}


async def test_what_is_told_once_is_never_told_again(
    services: Services, feed: Feed, pages: Site
) -> None:
    past, now = Facts(n=1), Facts(n=1)
    live = Live(
        services,
        [Region(name="past", facts=past, once=True), Region(name="now", facts=now)],
    )
    async with aclosing(live.watch(pages, ENGLISH, ["past", "now"])) as changes:
        assert set(told(await anext(changes))) == {"past", "now"}
        past.facts["n"] = now.facts["n"] = 2
        feed.tell()
        assert set(told(await anext(changes))) == {"now"}


async def test_of_rows_only_those_are_told_that_changed(
    services: Services, feed: Feed, pages: Site
) -> None:
    facts = Facts(a=[1], b=[2])
    live = Live(services, [Region(name="r", facts=facts, rows=True)])
    async with aclosing(live.watch(pages, ENGLISH, ["r"])) as changes:
        first = json.loads(told(await anext(changes))["r"])
        assert (first["whole"], first["rows"], first["gone"]) == (True, {"a": [1], "b": [2]}, [])
        facts.facts = {"b": [3], "c": [4]}
        feed.tell()
        then = json.loads(told(await anext(changes))["r"])
        assert (then["whole"], then["rows"]) == (False, {"b": [3], "c": [4]})
        assert then["gone"] == ["a"]


async def test_rows_are_right_also_for_one_who_missed_some(
    services: Services, feed: Feed, pages: Site
) -> None:
    facts = Facts(a=[1], b=[1])
    live = Live(services, [Region(name="r", facts=facts, rows=True)])
    async with (
        aclosing(live.watch(pages, ENGLISH, ["r"])) as slow,
        aclosing(live.watch(pages, ENGLISH, ["r"])) as quick,
    ):
        await anext(slow)
        await anext(quick)
        facts.facts["a"] = [2]
        feed.tell()
        assert json.loads(told(await anext(quick))["r"])["rows"] == {"a": [2]}
        facts.facts["b"] = [2]
        feed.tell()
        assert json.loads(told(await anext(quick))["r"])["rows"] == {"b": [2]}
        assert json.loads(told(await anext(slow))["r"])["rows"] == {"a": [2], "b": [2]}


async def test_watching_ends_with_the_feed(services: Services, feed: Feed, pages: Site) -> None:
    live = Live(services, [Region(name="r", facts=Facts())])
    async with aclosing(live.watch(pages, ENGLISH, ["r"])) as changes:
        await anext(changes)
        feed.over = True
        feed.tell()
        assert [events async for events in changes] == []


async def test_nothing_can_be_watched_after_the_end(bench: Bench, pages: Site) -> None:
    live = Live(bench.services, [Region(name="r", facts=Facts())])
    await bench.services.feed.close()
    async with aclosing(live.watch(pages, ENGLISH, ["r"])) as changes:
        with pytest.raises(Draining):
            await anext(changes)


async def test_the_present_can_be_had_for_the_first_page(services: Services, feed: Feed) -> None:
    assert await Live(services, []).now() is feed.latest
    assert feed.watchers == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_no_line_of_what_is_told_begins_an_event_of_its_own(end: str) -> None:
    hostile = f"<p>{end}{end}event: evil{end}data: x{end}{end}"
    sent = event("r", hostile).decode()
    lines = [line for line in sent.split("\n") if line]
    assert "\r" not in sent
    assert [line for line in lines if not line.startswith("data: ")] == ["event: r"]
    assert sent.endswith("\n\n")
    assert sent.count("\n\n") == 1


async def test_a_template_is_not_filled_again_where_it_would_show_the_same(
    bench: Bench, pages: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(n=1)
    region = Region(name="a", template="n.html", facts=facts)
    live = Live(bench.services, (region,))
    filled: list[str] = []
    render = Site.render

    def counted(site: Site, template: str, said: Words, **shown: Any) -> str:
        filled.append(template)
        return render(site, template, said, **shown)

    monkeypatch.setattr(Site, "render", counted)
    first = live.fill(pages, ENGLISH, region, snapshot())
    assert live.fill(pages, ENGLISH, region, snapshot()) is first
    assert (facts.asked, filled) == (2, ["n.html"])
    facts.facts["n"] = 2
    assert live.fill(pages, ENGLISH, region, snapshot()) is not first
    assert len(filled) == 2
