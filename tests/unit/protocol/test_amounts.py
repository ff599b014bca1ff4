from __future__ import annotations

import pytest

from llmd.protocol import amounts


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.7, "1.0 kB"),
        (4_200_000_000, "4.2 GB"),
        (99_960_000, "100 MB"),
        (123_456_789, "123 MB"),
        (999_600_000, "1.0 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes_have_three_figures_at_most(count: float, text: str) -> None:
    assert amounts.size(count) == text


def test_counts_are_short() -> None:
    assert [amounts.count(number) for number in (7, 1234, 12_345_678)] == ["7", "1.2k", "12.3M"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"),
        (59.9, "59s"),
        (184, "3m04"),
        (1500, "25m"),
        (7500, "2h05"),
        (200_000, "2d"),
    ],
)
def test_durations_name_their_largest_units(seconds: float, text: str) -> None:
    assert amounts.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0854, "85 ms"),
        (0.9996, "1.00 s"),
        (1.236, "1.24 s"),
        (12.4, "12 s"),
        (300, "5m00"),
    ],
)
def test_short_times_have_the_precision_they_deserve(value: float | None, text: str) -> None:
    assert amounts.seconds(value) == text


def test_rates_and_shares() -> None:
    assert [amounts.rate(speed) for speed in (0, 41.26, 183.4, 2345)] == [
        "0.0 t/s",
        "41.3 t/s",
        "183 t/s",
        "2.3k t/s",
    ]
    assert [amounts.share(*pair) for pair in ((1, 2), (3, 2), (1, 0), (-1, 2))] == [0.5, 1, 0, 0]
