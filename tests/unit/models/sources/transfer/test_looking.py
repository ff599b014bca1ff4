"""What a server says of a file before it is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from llmd.errors import CorruptFile
from llmd.models.sources.transfer import Remote
from llmd.models.sources.transfer.exchange import Exchange
from llmd.models.sources.transfer.looking import look, ranged, version
from tests.fakes.fileserver import FileServer


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange(1)
    yield exchange
    exchange.close()


def test_size_and_version_come_from_the_first_bytes(
    exchange: Exchange, site: FileServer, remote: Remote
) -> None:
    found, headers = look(exchange, replace(remote, size=0))
    assert found.size == remote.size
    assert found.etag == headers["etag"]
    assert site.asked[0].headers["range"] == "bytes=0-511"


def test_servers_without_ranges_say_it_too(
    exchange: Exchange, site: FileServer, remote: Remote
) -> None:
    site.faults.ranges = False
    assert look(exchange, replace(remote, size=0))[0].size == remote.size


def test_a_length_that_nobody_says_is_unknown(
    exchange: Exchange, site: FileServer, remote: Remote
) -> None:
    site.faults.ranges, site.faults.chunked = False, True
    assert look(exchange, replace(remote, size=0))[0].size == 0


def test_a_web_page_is_recognised_at_once(
    exchange: Exchange, site: FileServer, remote: Remote
) -> None:
    site.faults.page = True
    with pytest.raises(CorruptFile, match="a web page"):
        look(exchange, remote)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes 5-9/10", (5, 10)),
        ("bytes 5-9/*", (5, 0)),
        ("bytes */10", (-1, 10)),
        ("lines 1-2/3", (-1, 0)),
        ("", (-1, 0)),
    ],
)
def test_ranges_are_read(text: str, found: tuple[int, int]) -> None:
    assert ranged({"content-range": text} if text else {}) == found


def test_weak_tags_do_not_name_a_version() -> None:
    assert version({"etag": '"a"', "last-modified": "x"}) == '"a"'
    assert version({"etag": 'W/"a"', "last-modified": "x"}) == "x"
    assert version({}) == ""
