from __future__ import annotations

import signal

import pytest

from llmd.runtime.supervisor import Backoff, Cause, Progress, cause_of_death, death, poison


def test_an_idle_worker_never_stalls() -> None:
    progress = Progress(limit=10, now=0)
    assert not progress.stalled(1000)


def test_a_worker_stalls_when_steps_stand_still_while_work_is_pending() -> None:
    progress = Progress(limit=10, now=0)
    progress.pending(1, now=100)
    progress.advanced(5, now=105)
    assert not progress.stalled(114)
    progress.advanced(5, now=114)  # the same counter is no progress
    assert progress.stalled(116)
    progress.advanced(6, now=117)
    assert not progress.stalled(120)


def test_time_without_work_does_not_count() -> None:
    progress = Progress(limit=10, now=0)
    progress.pending(1, now=1)
    progress.pending(0, now=2)
    progress.pending(1, now=500)
    assert not progress.stalled(505)
    assert progress.stalled(511)


def test_more_requests_do_not_hide_a_stall() -> None:
    progress = Progress(limit=10, now=0)
    progress.pending(1, now=0)
    progress.pending(2, now=9)
    assert progress.stalled(11)


def test_no_limit_means_no_stall() -> None:
    progress = Progress(limit=-1, now=0)
    progress.pending(1, now=0)
    assert not progress.stalled(1e9)


def test_a_worker_that_computes_is_left_to_it_for_much_longer_but_not_for_ever() -> None:
    progress = Progress(limit=10, now=0)
    progress.pending(1, now=0)
    for now in range(5, 101, 5):
        progress.used(now * 0.5, now=now)  # of half a core, all the time
        assert not progress.stalled(now)
    progress.used(52, now=105)
    assert progress.stalled(105)


def test_a_worker_that_stops_computing_stalls_as_soon_as_any_other() -> None:
    progress = Progress(limit=10, now=0)
    progress.pending(1, now=0)
    progress.used(20, now=20)
    for now in (25, 30, 35):
        assert not progress.stalled(now - 5)
        progress.used(20.1, now=now)  # some thread of it turns over in its sleep
    assert progress.stalled(35)


def test_one_death_is_forgiven_and_a_series_is_held_back_longer_and_longer() -> None:
    backoff = Backoff()
    waits = []
    for now in range(0, 800, 100):
        backoff.died(lived=1, now=now)
        waits.append(backoff.wait(now))
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60]


def test_a_long_life_or_an_answer_ends_the_series() -> None:
    backoff = Backoff()
    for now in (0, 10, 20):
        backoff.died(lived=1, now=now)
    backoff.died(lived=100, now=200)
    backoff.died(lived=1, now=300)
    assert backoff.wait(300) == 0
    backoff.worked()
    backoff.died(lived=1, now=400)
    assert backoff.wait(400) == 0


@pytest.mark.parametrize(
    ("code", "flags", "cause"),
    [
        (-signal.SIGKILL, {}, Cause.KILLED),
        (-signal.SIGKILL, {"oom_kills": 1}, Cause.OOM),
        (-signal.SIGKILL, {"wedged": True}, Cause.WEDGED),
        (-signal.SIGKILL, {"stopped": True}, Cause.STOPPED),
        (-signal.SIGABRT, {}, Cause.NATIVE_ABORT),
        (-signal.SIGSEGV, {"oom_kills": 3}, Cause.NATIVE_ABORT),
        (-signal.SIGTERM, {}, Cause.KILLED),
        (1, {}, Cause.FAILED),
    ],
)
def test_causes_are_told_apart(code: int, flags: dict[str, int], cause: Cause) -> None:
    plain = {"wedged": False, "stopped": False, "oom_kills": 0}
    assert cause_of_death(code, **{**plain, **flags}) is cause  # type: ignore[arg-type]


def test_whoever_is_only_slow_learns_which_setting_helps() -> None:
    assert "pool.stall_timeout" in (death("m", Cause.WEDGED).hint or "")
    assert "pool.stall_timeout" in (poison("m", Cause.WEDGED).hint or "")
    assert "pool.stall_timeout" not in (poison("m", Cause.OOM).hint or "")


def test_a_death_says_what_happened_and_what_to_do() -> None:
    error = death("m", Cause.NATIVE_ABORT, ["ggml.c:1: GGML_ASSERT(x) failed"])
    assert error.status == 503
    assert error.retry_after == 1
    assert error.details["cause"] == "native_abort"
    assert "GGML_ASSERT" in error.message
    assert error.hint
