from __future__ import annotations

import re

import pytest

from llmd.protocol.callers import Scope
from llmd.server.web.live import Region
from llmd.server.web.pages import Site
from llmd.server.web.routes import bar
from tests.fakes.snapshots import BUSY, EMPTY
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench


@pytest.mark.parametrize("region", bar.REGIONS, ids=lambda region: region.name)
def test_what_is_under_way_is_counted_and_nothing_is_said_of_none(
    bench: Bench, site: Site, region: Region
) -> None:
    numbers = {"bar-requests": 3, "bar-models": 2, "bar-deployments": 1}
    for language in ("en", "zh"):
        busy = region.facts(bench.services, BUSY)
        text = site.render(region.template, site.words[language], **busy)
        assert f">{numbers[region.name]}</b>" in text
        idle = region.facts(bench.services, EMPTY)
        assert site.render(region.template, site.words[language], **idle).strip() == ""


async def test_pages_have_a_bar_that_marks_the_present_one(connect: Connect) -> None:
    text = await (await Visitor(await connect(tcp=True)).open("/admin/requests")).text()
    marked = re.findall(r'<a href="([^"]+)" aria-current="page">', text)
    assert marked == ["/admin/requests"]
    assert {region.name for region in bar.REGIONS} <= set(
        re.findall(r'data-region="([^"]+)"', text)
    )


def test_counting_asks_for_no_more_than_the_entry_does() -> None:
    scopes = {region.name: region.scope for region in bar.REGIONS}
    assert scopes == {
        "bar-requests": Scope.METRICS,
        "bar-models": Scope.MODELS_READ,
        "bar-deployments": Scope.MODELS_READ,
    }
