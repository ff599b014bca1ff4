from __future__ import annotations

from llmd.runtime.worker.gathering import Gathering

LEAST = Gathering().moment


class Client:
    """Sends bursts a second apart; each is begun once no more comes for a moment."""

    def __init__(self) -> None:
        self.gathering = Gathering()
        self.now = 100.0

    def burst(self, *gaps: float) -> int:
        """Send a request, and one more after each gap; return how many were begun together."""
        self.now += 1.0
        at, began, together = self.now, 0.0, 1
        self.gathering.came(at)
        for gap in gaps:
            if not began and gap > self.gathering.moment:
                began = at + self.gathering.moment
                self.gathering.begin(began)
            at += gap
            self.gathering.came(at)
            together += not began
        if not began:
            self.gathering.begin(at + self.gathering.moment)
        return together


def test_who_comes_alone_waits_for_nobody() -> None:
    client = Client()
    for _ in range(5):
        client.burst()
    assert client.gathering.moment == LEAST


def test_those_who_came_just_too_late_are_waited_for_next_time() -> None:
    client = Client()
    assert client.burst(0.0005, 0.002, 0.0005) == 2
    assert client.burst(0.0005, 0.002, 0.0005) == 4
    assert client.burst(0.0015, 0.0025) == 3


def test_whose_gaps_are_long_is_not_waited_for() -> None:
    client = Client()
    for gap in (0.006, 0.03, 0.3):
        client.burst(gap, gap)
    assert client.gathering.moment == LEAST
    client.burst(0.0045)
    assert client.gathering.moment <= 0.005


def test_waiting_in_vain_ends_after_a_few_times() -> None:
    client = Client()
    client.burst(0.004)
    assert client.gathering.moment > 2 * LEAST
    for _ in range(8):
        client.burst()
    assert client.gathering.moment == LEAST
