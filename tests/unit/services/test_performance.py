from __future__ import annotations

import pytest

from llmd.protocol.directory import Measured
from llmd.services.performance import Outcome, Performance


def done(seconds: float, rate: float | None = None) -> Outcome:
    return Outcome(seconds=seconds, completed=True, first_token=seconds / 2, tokens_per_second=rate)


def lost(code: str) -> Outcome:
    return Outcome(seconds=0.1, completed=False, error=code)


def test_nothing_is_known_of_a_model_that_was_never_asked() -> None:
    assert Performance().of("m") == Measured()


def test_figures_are_means_of_what_was_completed() -> None:
    performance = Performance()
    performance.note("m", done(1.0, 10.0))
    performance.note("m", done(2.0))
    performance.note("other", done(50.0, 1.0))
    assert performance.of("m") == Measured(
        requests=2,
        average_latency_ms=1500,
        first_token_ms=750,
        tokens_per_second=10.0,
        availability=1.0,
    )


@pytest.mark.parametrize("code", ["worker_died", "load_failed", "no_room", "queue_full", "unknown"])
def test_what_llmd_failed_at_counts_against_it(code: str) -> None:
    performance = Performance()
    for outcome in (done(1.0), done(1.0), done(1.0), lost(code)):
        performance.note("m", outcome)
    assert performance.of("m").availability == 0.75
    assert performance.of("m").average_latency_ms == 1000


@pytest.mark.parametrize("code", ["invalid_request", "context_length_exceeded", ""])
def test_what_clients_did_wrong_or_broke_off_counts_for_nothing(code: str) -> None:
    performance = Performance()
    performance.note("m", done(1.0))
    performance.note("m", lost(code))
    assert performance.of("m").availability == 1.0
    assert performance.of("m").requests == 1


def test_old_requests_and_models_are_forgotten() -> None:
    performance = Performance(latest=2, models=2)
    for seconds in (9.0, 1.0, 1.0):
        performance.note("a", done(seconds))
    assert performance.of("a").average_latency_ms == 1000
    performance.note("b", done(1.0))
    performance.note("a", done(1.0))
    performance.note("c", done(1.0))
    assert performance.of("b") == Measured()
    assert performance.of("a").requests == 2
