from __future__ import annotations

from llmd.security.throttle import FORGOTTEN, FREE, Throttle, network


def fail(throttle: Throttle, name: str, address: str, now: float, times: int = 1) -> None:
    for _ in range(times):
        assert throttle.attempt(name, address, now) == 0


def test_a_few_failures_cost_nothing_and_then_delays_double() -> None:
    throttle = Throttle()
    fail(throttle, "ann", "192.0.2.1", 0.0, FREE)
    assert throttle.attempt("ann", "192.0.2.1", 0.5) == 1
    fail(throttle, "ann", "192.0.2.1", 1.0)
    assert throttle.attempt("ann", "192.0.2.1", 1.0) == 2
    fail(throttle, "ann", "192.0.2.1", 3.0)
    assert throttle.attempt("ann", "192.0.2.1", 3.0) == 4


def test_refused_attempts_make_nothing_worse() -> None:
    throttle = Throttle()
    fail(throttle, "ann", "192.0.2.1", 0.0, FREE)
    waits = [throttle.attempt("ann", "192.0.2.1", 0.1) for _ in range(50)]
    assert set(waits) == {1}


def test_a_name_is_slowed_down_from_all_addresses_but_never_for_long() -> None:
    throttle = Throttle()
    now = 0.0
    for number in range(40):
        now += throttle.attempt("ann", f"198.51.100.{number}", now)
        throttle.attempt("ann", f"198.51.100.{number}", now)
    assert 0 < throttle.attempt("ann", "203.0.113.9", now) <= 60
    assert throttle.attempt("bob", "203.0.113.9", now) == 0


def test_an_address_is_slowed_down_for_all_names_and_longer() -> None:
    throttle = Throttle()
    now = 0.0
    for number in range(40):
        now += throttle.attempt(f"name{number}", "192.0.2.1", now)
        throttle.attempt(f"name{number}", "192.0.2.1", now)
    assert 60 < throttle.attempt("another", "192.0.2.1", now) <= 900


def test_success_frees_the_name_but_not_an_address_that_guesses_others() -> None:
    throttle = Throttle()
    fail(throttle, "victim", "192.0.2.1", 0.0, FREE - 1)
    for _ in range(20):
        fail(throttle, "mine", "192.0.2.1", 1.0)
        throttle.succeeded("mine", "192.0.2.1")
    fail(throttle, "victim", "192.0.2.1", 2.0)
    assert throttle.attempt("victim", "192.0.2.1", 2.0) > 0


def test_failures_are_forgotten_after_an_hour() -> None:
    throttle = Throttle()
    fail(throttle, "ann", "192.0.2.1", 0.0, FREE)
    later = FORGOTTEN + 10
    fail(throttle, "ann", "192.0.2.1", later, FREE - 1)
    assert throttle.attempt("ann", "192.0.2.1", later) == 0


def test_many_names_take_bounded_memory() -> None:
    throttle = Throttle(kept=10)
    for number in range(1000):
        throttle.attempt(f"name{number}", f"198.51.{number // 250}.{number % 250}", 0.0)
    assert len(throttle._names._records) == 10
    assert len(throttle._addresses._records) == 10


def test_a_million_failures_do_not_overflow() -> None:
    throttle = Throttle()
    record = throttle._names
    for _ in range(5000):
        record.fail("ann", 0.0)
    assert record.wait("ann", 0.0) == 60


def test_an_ipv6_customer_is_one_network() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:1::1")
    assert network("::ffff:192.0.2.1") == "192.0.2.1"
    assert network("192.0.2.1") == "192.0.2.1"
    assert network("unknown") == "unknown"
