from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.frames import Figures
from llmd.protocol.models import Activity
from llmd.runtime.pulse import Pulse

FIGURES = Figures(
    running=3,
    waiting=2,
    estimated_wait=0.5,
    kv_used=100,
    kv_parked=40,
    prefixes=2,
    steps=10,
    read_tokens=0,
    reused_tokens=50,
    generated_tokens=0,
    drafted_tokens=0,
    accepted_tokens=0,
)


def figures(read: int, generated: int, **others: int) -> Figures:
    return msgspec.structs.replace(FIGURES, read_tokens=read, generated_tokens=generated, **others)


def test_a_worker_that_has_said_nothing_does_nothing() -> None:
    assert Pulse().activity(5.0) == Activity()


def test_the_newest_figures_count_and_speeds_are_differences() -> None:
    pulse = Pulse()
    pulse.beat(figures(1000, 100), 100.0)
    pulse.beat(figures(1600, 110), 101.0)
    pulse.beat(figures(1600, 180, waiting=0), 104.0)
    now = pulse.activity(104.0)
    assert (now.running, now.waiting, now.kv_used, now.reused_tokens) == (3, 0, 100, 50)
    assert now.read_per_second == 150.0
    assert now.generated_per_second == 20.0


def test_what_is_long_ago_is_no_speed_of_now() -> None:
    pulse = Pulse()
    pulse.beat(figures(0, 0), 0.0)
    pulse.beat(figures(5000, 500), 5.0)
    assert pulse.activity(8.0).generated_per_second == pytest.approx(62.5)
    later = pulse.activity(60.0)
    assert (later.generated_per_second, later.generated_tokens) == (0.0, 500)
    # work that starts again counts from there
    pulse.beat(figures(5000, 500), 60.0)
    pulse.beat(figures(5000, 520), 61.0)
    assert pulse.activity(61.0).generated_per_second == 20.0


def test_acceptance_is_known_only_where_something_was_drafted() -> None:
    pulse = Pulse()
    pulse.beat(figures(0, 0), 0.0)
    assert pulse.activity(0.0).draft_acceptance is None
    pulse.beat(figures(0, 0, drafted_tokens=8, accepted_tokens=6), 1.0)
    assert pulse.activity(1.0).draft_acceptance == 0.75


def test_a_day_of_figures_takes_no_more_room_than_seconds_of_them() -> None:
    pulse = Pulse()
    for second in range(86_400):
        pulse.beat(figures(second, second), float(second))
    assert len(pulse._lately) <= 12
