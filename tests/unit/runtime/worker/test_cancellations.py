from __future__ import annotations

from llmd.runtime.worker.cancellations import Cancellations


def test_remembers_and_forgets() -> None:
    cancelled = Cancellations()
    cancelled.add(1)
    assert 1 in cancelled
    cancelled.discard(1)
    cancelled.discard(2)
    assert 1 not in cancelled


def test_late_cancellations_do_not_pile_up() -> None:
    cancelled = Cancellations()
    for request in range(100_000):
        cancelled.add(request)
    assert len(cancelled) == 4096
    assert 99_999 in cancelled
    assert 0 not in cancelled
