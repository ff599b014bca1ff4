from __future__ import annotations

from pathlib import Path

import pytest

from llmd.config.sharing import LimitSettings
from llmd.errors import RateLimited
from llmd.protocol.callers import Caller
from llmd.protocol.limits import UNLIMITED, Allowance, Resource
from llmd.services.limits import Limits, network, standing
from llmd.services.usage import Usage
from llmd.storage.usage import UsageRepository
from llmd.telemetry.metrics import Metrics
from tests.fakes.databases import database

ANN = Caller(key="k1", user="u1", address="192.0.2.1", label="llmd-ann")
STRANGER = Caller(address="192.0.2.9")
OWNER = Caller(owner=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(clock: Clock, **settings: int) -> Limits:
    return Limits(LimitSettings(**settings), Metrics(), clock=clock)


def test_nothing_is_limited_unless_somebody_says_so(clock: Clock) -> None:
    limits = made(clock)
    for caller in (ANN, STRANGER, OWNER):
        for _ in range(100):
            told = limits.admit(caller)
        assert (told.limit, told.remaining, told.reset) == (UNLIMITED, UNLIMITED, 1_000_000)
        assert told.resource is Resource.NONE


def test_requests_count_down_and_are_refused_at_the_end(clock: Clock) -> None:
    limits = made(clock, key_requests_per_minute=3)
    told = [limits.admit(ANN) for _ in range(3)]
    assert [one.remaining for one in told] == [2, 1, 0]
    assert {(one.limit, one.reset) for one in told} == {(3, 1_000_061)}
    with pytest.raises(RateLimited, match="3 requests per minute of this key") as caught:
        limits.admit(ANN)
    assert caught.value.retry_after == 61
    shown = standing(caught.value)
    assert shown
    assert (shown.limit, shown.remaining, shown.reset) == (3, 0, 1_000_061)
    clock.now += 61
    assert limits.admit(ANN).remaining == 2


def test_a_refusal_is_not_counted(clock: Clock) -> None:
    limits = made(clock, key_requests_per_minute=1, user_requests_per_minute=100)
    limits.admit(ANN)
    for _ in range(5):
        with pytest.raises(RateLimited):
            limits.admit(ANN)
    other_key = Caller(key="k2", user="u1")
    assert limits.admit(other_key).remaining == 0
    assert limits.look(Caller(user="u1")).remaining == 98


def test_keys_users_and_addresses_count_at_once_and_the_strictest_shows(clock: Clock) -> None:
    limits = made(
        clock,
        key_requests_per_minute=10,
        user_requests_per_minute=5,
        address_requests_per_minute=20,
    )
    assert limits.admit(ANN).limit == 5
    limits.admit(Caller(key="k2", user="u1", address="192.0.2.1"))
    assert limits.look(ANN).remaining == 3
    for number in range(16):
        limits.admit(Caller(key=f"k3{number}", user=f"u3{number}", address="192.0.2.1"))
    told = limits.look(ANN)
    assert (told.limit, told.remaining) == (20, 2)


def test_own_limits_win_over_the_settings(clock: Clock) -> None:
    limits = made(clock, key_requests_per_minute=2, user_requests_per_minute=2)
    free = Caller(
        key="k",
        user="u",
        key_allowance=Allowance(requests_per_minute=0),
        user_allowance=Allowance(requests_per_minute=7),
    )
    assert limits.admit(free).limit == 7
    strict = Caller(key="s", key_allowance=Allowance(requests_per_minute=1))
    limits.admit(strict)
    with pytest.raises(RateLimited):
        limits.admit(strict)


def test_a_lowered_limit_counts_what_was_used_before(clock: Clock) -> None:
    limits = made(clock)
    before = Caller(key="k", key_allowance=Allowance(requests_per_minute=10))
    for _ in range(4):
        limits.admit(before)
    with pytest.raises(RateLimited):
        limits.admit(Caller(key="k", key_allowance=Allowance(requests_per_minute=4)))


def test_the_owner_has_no_limits(clock: Clock) -> None:
    limits = made(clock, address_requests_per_minute=1, key_concurrent=1)
    for _ in range(5):
        assert limits.admit(OWNER).limit == UNLIMITED
    with limits.occupy(OWNER), limits.occupy(OWNER):
        pass


def test_tokens_are_charged_at_the_end_and_refuse_what_comes_after(clock: Clock) -> None:
    limits = made(clock, key_tokens_per_minute=100)
    assert limits.admit(ANN).remaining == 100
    limits.spend(ANN, 99)
    assert limits.admit(ANN).remaining == 1
    limits.spend(ANN, 5000)
    with pytest.raises(RateLimited, match="tokens per minute"):
        limits.admit(ANN)
    clock.now += 61
    told = limits.admit(ANN)
    assert (told.limit, told.remaining) == (100, 100)
    assert told.resource is Resource.TOKENS_PER_MINUTE


def test_tokens_of_a_day_are_counted_for_a_day(clock: Clock) -> None:
    limits = made(clock, user_tokens_per_day=1000)
    limits.spend(ANN, 1000)
    clock.now += 3600
    with pytest.raises(RateLimited, match="tokens per day of this user") as caught:
        limits.admit(ANN)
    assert caught.value.retry_after
    assert 22 * 3600 < caught.value.retry_after <= 25 * 3600
    clock.now += caught.value.retry_after
    assert limits.admit(ANN).remaining == 1000


def test_places_are_held_and_given_back(clock: Clock) -> None:
    limits = made(clock, key_concurrent=2)
    with limits.occupy(ANN):
        with limits.occupy(ANN), pytest.raises(RateLimited, match="at the same time"):  # noqa: SIM117  places one by one
            with limits.occupy(ANN):
                pass
        with limits.occupy(ANN):
            pass
    assert not limits._occupied


def test_a_place_is_given_back_by_what_fails_too(clock: Clock) -> None:
    limits = made(clock, key_concurrent=1, user_concurrent=1)
    for _ in range(3):
        with pytest.raises(KeyError), limits.occupy(ANN):
            raise KeyError
    assert not limits._occupied


def test_a_refused_place_takes_none_elsewhere(clock: Clock) -> None:
    limits = made(clock, key_concurrent=5, user_concurrent=1)
    with limits.occupy(ANN):
        for _ in range(3):
            with pytest.raises(RateLimited), limits.occupy(Caller(key="k2", user="u1")):
                pass
    assert not limits._occupied


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:ffff", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_a_machine_or_a_network(address: str, counted: str) -> None:
    assert network(address) == counted


def test_one_network_of_ipv6_is_one_caller(clock: Clock) -> None:
    limits = made(clock, address_requests_per_minute=2)
    limits.admit(Caller(address="2001:db8::1"))
    limits.admit(Caller(address="2001:db8::2"))
    with pytest.raises(RateLimited):
        limits.admit(Caller(address="2001:db8::3"))
    limits.admit(Caller(address="2001:db8:0:1::1"))


def test_a_crowd_of_addresses_drives_out_no_key(clock: Clock) -> None:
    limits = made(clock, key_requests_per_minute=1, address_requests_per_minute=5)
    limits._addresses._most = 10
    limits.admit(ANN)
    for number in range(200):
        limits.admit(Caller(address=f"198.51.100.{number}"))
    assert len(limits._addresses) == 10
    with pytest.raises(RateLimited):
        limits.admit(ANN)


def test_refusals_and_tokens_are_in_the_metrics(clock: Clock) -> None:
    metrics = Metrics()
    limits = Limits(LimitSettings(key_requests_per_minute=1), metrics, clock=clock)
    limits.admit(ANN)
    with pytest.raises(RateLimited):
        limits.admit(ANN)
    limits.spend(ANN, 12)
    text = metrics.render().decode()
    assert 'llmd_rate_limited_total{resource="requests-per-minute",whose="key"} 1.0' in text
    assert 'llmd_caller_tokens_total{caller="llmd-ann"} 12.0' in text


def test_a_refusal_by_others_says_nothing_of_limits() -> None:
    assert standing(RateLimited("too many logins", retry_after=3)) is None


async def test_tokens_of_a_day_survive_a_restart(clock: Clock, tmp_path: Path) -> None:
    kept = database(tmp_path)
    settings = LimitSettings(key_tokens_per_day=100)
    first = Usage(UsageRepository(kept), clock)
    Limits(settings, Metrics(), first, clock).spend(ANN, 100)
    await first.close()
    clock.now += 120
    again = Limits(settings, Metrics(), Usage(UsageRepository(kept), clock), clock)
    await again.restore()
    with pytest.raises(RateLimited, match="tokens per day of this key"):
        again.admit(ANN)
    await kept.close()


def test_what_is_used_now_is_told_with_where_the_limit_comes_from(clock: Clock) -> None:
    limits = made(clock, key_requests_per_minute=3, key_concurrent=2)
    caller = Caller(key="k", user="u1", key_allowance=Allowance(tokens_per_day=100))
    limits.admit(caller)
    limits.spend(caller, 40)
    with limits.occupy(caller):
        uses = {use.resource: use for use in limits.uses("key:k", Allowance(tokens_per_day=100))}
    requests, day = uses[Resource.REQUESTS_PER_MINUTE], uses[Resource.TOKENS_PER_DAY]
    assert (requests.limit, requests.used, requests.own) == (3, 1, False)
    assert (day.limit, day.used, day.own) == (100, 40, True)
    assert day.reset > clock()
    assert uses[Resource.CONCURRENT].used == 1
    assert (uses[Resource.TOKENS_PER_MINUTE].limit, uses[Resource.TOKENS_PER_MINUTE].used) == (
        0,
        40,
    )


def test_requests_without_a_limit_are_nobodys_count(clock: Clock) -> None:
    limits = made(clock, user_concurrent=5)
    limits.admit(ANN)
    uses = {use.resource: use for use in limits.uses("user:u1", Allowance(concurrent=0))}
    assert uses[Resource.REQUESTS_PER_MINUTE].used is None
    assert (uses[Resource.CONCURRENT].limit, uses[Resource.CONCURRENT].own) == (0, True)
    assert limits.defaults["user"] == Allowance(
        requests_per_minute=0, tokens_per_minute=0, tokens_per_day=0, concurrent=5
    )
