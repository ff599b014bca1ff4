"""Throttles that share one limit."""

from __future__ import annotations

from llmd.models.child import Throttle
from llmd.models.pacing import Pacing


def test_throttles_move_as_downloads_come_and_go() -> None:
    pacing, one, two = Pacing(1000), Throttle(), Throttle()
    pacing.join(one)
    assert one.limit == 1000
    pacing.join(two)
    assert (one.limit, two.limit) == (500, 500)
    pacing.observe(one, 100)
    assert one.limit < two.limit
    pacing.leave(one)
    assert two.limit == 1000


def test_a_wish_may_change_while_it_runs() -> None:
    pacing, one = Pacing(), Throttle()
    pacing.join(one, 70)
    assert one.limit == 70
    pacing.join(one, 0)
    assert one.limit == 0
