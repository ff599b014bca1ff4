from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from llmd.protocol.limits import Resource
from llmd.security.limits import HOUR, Left, Rule, Windows


class Clock:
    def __init__(self, now: float = 1_000_000.5) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def rule(
    amount: int, resource: Resource = Resource.REQUESTS_PER_MINUTE, who: str = "key:a"
) -> Rule:
    return Rule(who, resource, amount)


def test_so_many_are_taken_and_no_more() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    assert [windows.take(rule(3)) for _ in range(5)] == [True, True, True, False, False]
    assert not windows.allows(rule(3))
    assert windows.left(rule(3)) == Left(0, 1_000_061, 1_000_061)


def test_a_minute_later_all_can_be_had_again() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    for _ in range(3):
        windows.take(rule(3))
    clock.now += 61
    assert windows.left(rule(3)).remaining == 3
    assert windows.take(rule(3))


def test_the_window_moves_instead_of_starting_anew() -> None:
    clock = Clock(1_000_000)
    windows = Windows(clock=clock)
    windows.take(rule(2))
    clock.now += 40
    windows.take(rule(2))
    clock.now += 21
    assert windows.take(rule(2))
    assert not windows.take(rule(2))


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_minute_ever_holds_more_than_the_limit(pauses: list[float], amount: int) -> None:
    clock, taken = Clock(), []
    windows = Windows(clock=clock)
    for pause in pauses:
        clock.now += pause
        if windows.take(rule(amount)):
            taken.append(clock.now)
    for first, last in zip(taken, taken[amount:], strict=False):
        assert last - first >= 60


def test_what_is_charged_may_go_beyond_and_blocks_until_enough_of_it_is_past() -> None:
    clock = Clock(1_000_000)
    windows = Windows(clock=clock)
    tokens = rule(100, Resource.TOKENS_PER_MINUTE)
    windows.charge("key:a", Resource.TOKENS_PER_MINUTE, 90)
    clock.now += 10
    windows.charge("key:a", Resource.TOKENS_PER_MINUTE, 500)
    left = windows.left(tokens)
    assert (left.remaining, left.free) == (0, 1_000_071)
    clock.now = left.free
    assert windows.allows(tokens)


def test_a_changed_limit_counts_what_was_used_before() -> None:
    windows = Windows(clock=Clock())
    for _ in range(5):
        windows.take(rule(10))
    assert windows.left(rule(6)).remaining == 1
    assert not windows.allows(rule(5))


def test_subjects_and_resources_are_counted_apart() -> None:
    windows = Windows(clock=Clock())
    windows.take(rule(1))
    assert windows.allows(rule(1, who="key:b"))
    assert windows.allows(rule(1, Resource.TOKENS_PER_MINUTE))


def test_a_day_is_restored_from_its_hours() -> None:
    clock = Clock(100 * HOUR)
    windows = Windows(clock=clock)
    day = rule(100, Resource.TOKENS_PER_DAY)
    for hour in (70, 80, 99):
        windows.charge("key:a", Resource.TOKENS_PER_DAY, 40, hour * HOUR)
    assert windows.left(day).remaining == 20
    clock.now = 106 * HOUR
    assert windows.left(day).remaining == 60


def test_a_clock_set_back_neither_fails_nor_forgets() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    windows.take(rule(2))
    clock.now -= 3600
    assert windows.take(rule(2))
    assert not windows.take(rule(2))


def test_a_million_addresses_take_bounded_memory() -> None:
    windows = Windows(most=1000, clock=Clock())
    for number in range(20_000):
        windows.take(rule(10, who=f"address:{number}"))
    assert len(windows) == 1000
    assert windows.left(rule(10, who="address:19999")).remaining == 9


def test_windows_that_are_past_make_room_first() -> None:
    clock = Clock()
    windows = Windows(most=100, clock=clock)
    windows.take(rule(10, who="address:old"))
    clock.now += 100
    windows.take(rule(10, who="address:new"))
    assert len(windows) == 1


def test_a_busy_window_stays_small() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    for _ in range(10_000):
        clock.now += 0.01
        windows.charge("key:a", Resource.TOKENS_PER_MINUTE, 1000)
    (window,) = windows._windows.values()
    window.settle(clock.now)
    assert len(window.slots) <= 62
    assert sys.getsizeof(window.slots) < 2000


def test_the_library_sees_a_whole_storage() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    assert windows.check()
    assert windows.incr("k", 60, 3) == 3
    assert windows.get("k") == 3
    assert windows.get_expiry("k") == 1_000_061
    assert windows.get_moving_window("nobody", 5, 60) == (clock.now, 0)
    windows.clear("k")
    assert windows.get("k") == 0
    windows.incr("l", 60)
    assert windows.reset() == 1
