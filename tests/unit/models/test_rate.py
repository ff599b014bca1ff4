"""The moving average of a download."""

from __future__ import annotations

from llmd.models.rate import Rate


def test_a_steady_download_has_a_steady_rate() -> None:
    rate = Rate()
    readings = [rate.add(second, second * 100) for second in range(20)]
    assert readings[0] == 0
    assert readings[-1] == 100


def test_a_stall_brings_it_down_within_the_window() -> None:
    rate = Rate()
    for second in range(10):
        rate.add(second, second * 100)
    assert 0 < rate.add(11, 900) < 100
    assert rate.add(20, 900) == 0


def test_bytes_from_an_earlier_attempt_do_not_count() -> None:
    rate = Rate()
    rate.add(0, 10**9)
    assert rate.add(1, 10**9 + 50) == 50


def test_starting_over_starts_the_average_over() -> None:
    rate = Rate()
    rate.add(0, 1000)
    assert rate.add(1, 0) == 0
    assert rate.add(2, 70) == 70
