"""The pace of a program."""

from __future__ import annotations

import threading

import pytest

from llmd.models.sources.transfer.budget import Bucket, Budget


def test_without_a_limit_nobody_waits() -> None:
    assert Bucket().take(0.0, 10**12) == 0


def test_over_time_the_limit_is_kept() -> None:
    bucket, now = Bucket(1000), 0.0
    for _ in range(100):
        now += bucket.take(now, 50)
    assert now == pytest.approx(5.0, abs=0.3)


def test_a_pause_is_not_made_up_for() -> None:
    bucket = Bucket(1000)
    bucket.take(0.0, 1000)
    assert bucket.take(60.0, 1000) == pytest.approx(0.75)


def test_a_new_limit_forgets_what_was_owed() -> None:
    bucket = Bucket(10)
    assert bucket.take(0.0, 1000) == pytest.approx(100)
    bucket.change(1.0, 1000)
    assert bucket.take(1.0, 100) < 1


def test_reading_goes_in_even_bites() -> None:
    assert Budget().chunk(2**20) == 2**20
    assert Budget(400_000).chunk(2**20) == 100_000
    assert Budget(1).chunk(2**20) == 4096


def test_lifting_the_limit_wakes_who_waits() -> None:
    budget = Budget(1)
    waiter = threading.Thread(target=budget.spend, args=(10**9,), daemon=True)
    waiter.start()
    while waiter.is_alive():
        budget.change(0)
        waiter.join(0.05)
    assert budget.chunk(7) == 7
