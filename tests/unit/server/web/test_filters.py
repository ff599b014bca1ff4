from __future__ import annotations

import pytest

from llmd.server.web import filters


def test_moments_are_told_in_a_way_that_browsers_read() -> None:
    assert filters.moment(0) == "1970-01-01T00:00:00+00:00"
    assert filters.moment(1_790_000_000.9) == "2026-09-21T14:13:20+00:00"


@pytest.mark.parametrize(("share", "text"), [(0, "0%"), (0.254, "25%"), (1, "100%")])
def test_shares_are_told_in_percent(share: float, text: str) -> None:
    assert filters.percent(share) == text


def test_amounts_are_written_as_in_the_terminal() -> None:
    assert filters.FILTERS["size"](4_200_000_000) == "4.2 GB"
    assert filters.FILTERS["count"](12_345) == "12.3k"
    assert filters.FILTERS["duration"](125) == "2m05"
    assert filters.FILTERS["seconds"](0.085) == "85 ms"
    assert filters.FILTERS["rate"](41.32) == "41.3 t/s"
