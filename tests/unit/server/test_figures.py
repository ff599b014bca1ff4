from __future__ import annotations

import pytest

from llmd.server.figures import length, moment, size


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0, "0B"),
        (999, "999B"),
        (4_200_000_000, "4.2GB"),
        (28_000_000_000, "28GB"),
        (999_999_999, "1GB"),
        (1_500_000, "1.5MB"),
        (2_000_000_000_000_000, "2000TB"),
    ],
)
def test_sizes_are_written_as_in_the_documents(count: int, written: str) -> None:
    assert size(count) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (10.2, "10s"),
        (59.7, "1m"),
        (300, "5m"),
        (301, "5m1s"),
        (3600, "1h"),
        (3661, "1h1m"),
        (7199, "2h"),
    ],
)
def test_lengths_of_time_are_written_as_in_the_documents(seconds: float, written: str) -> None:
    assert length(seconds) == written


def test_moments_are_utc() -> None:
    assert moment(1747908000.9) == "2025-05-22T10:00:00Z"
