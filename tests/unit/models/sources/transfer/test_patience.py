"""When to try again."""

from __future__ import annotations

import pytest

from llmd.models.sources.transfer.patience import LONGEST_WISH, Patience, wish

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def test_waits_grow_and_end() -> None:
    patience = Patience((1.0, 2.0))
    assert [patience.next(), patience.next(), patience.next()] == [1.0, 2.0, None]


def test_progress_renews_it() -> None:
    patience = Patience((1.0,))
    assert patience.next() == 1.0
    patience.renew()
    assert patience.next() == 1.0


def test_the_servers_wish_counts_within_reason() -> None:
    assert Patience((1.0,)).next(wish=7.0) == 7.0
    assert Patience((1.0,)).next(wish=LONGEST_WISH + 1) is None


def test_clients_that_failed_together_come_back_apart() -> None:
    assert Patience((4.0,)).next(jitter=1.0) == 5.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        (" 5 ", 5),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("soon", 0),
        ("", 0),
        ("-3", 0),
        ("٣", 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float) -> None:
    assert wish(text, NOW) == seconds
