from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.drafting import Trust
from llmd.engine.drafting.pace import Rates, Rest


@given(st.sampled_from(Trust), st.integers(0, 100))
def test_a_curve_has_a_chance_for_each_place_and_never_rises(trust: Trust, length: int) -> None:
    curve = Rates().curve(trust, length)
    assert len(curve) == length
    assert all(0 < chance <= 1 for chance in curve)
    assert curve == sorted(curve, reverse=True)


def test_right_drafts_raise_the_curve_and_wrong_ones_lower_it() -> None:
    rates = Rates()
    before = rates.curve(Trust.WEAK, 16)
    for _ in range(20):
        rates.learn(Trust.WEAK, 16, 16)
    after = rates.curve(Trust.WEAK, 16)
    assert all(high > low for high, low in zip(after, before, strict=True))
    assert after[-1] > 100 * before[-1]
    for _ in range(40):
        rates.learn(Trust.WEAK, 16, 0)
    assert rates.curve(Trust.WEAK, 16)[0] < 0.2


def test_kinds_of_guesses_are_counted_apart() -> None:
    rates = Rates()
    before = rates.curve(Trust.STRONG, 8)
    for _ in range(20):
        rates.learn(Trust.WEAK, 8, 0)
    assert rates.curve(Trust.STRONG, 8) == before


def test_places_behind_the_first_wrong_token_say_nothing() -> None:
    one, other = Rates(), Rates()
    one.learn(Trust.FAIR, 32, 2)
    other.learn(Trust.FAIR, 3, 2)
    assert one.curve(Trust.FAIR, 64) == other.curve(Trust.FAIR, 64)


def test_a_draft_that_breaks_late_keeps_its_first_places_good() -> None:
    rates = Rates()
    for _ in range(50):
        rates.learn(Trust.FAIR, 16, 8)
    curve = rates.curve(Trust.FAIR, 16)
    assert curve[6] > 0.8
    assert curve[15] < 0.1


def test_short_drafts_that_are_right_promise_that_longer_ones_are() -> None:
    rates, others = Rates(), Rates()
    before = rates.curve(Trust.STRONG, 16)[15]
    own = Rates(others)
    for _ in range(30):
        rates.learn(Trust.STRONG, 3, 3)
        own.learn(Trust.STRONG, 3, 3)
    assert rates.curve(Trust.STRONG, 16)[15] > 4 * before
    assert own.curve(Trust.STRONG, 16)[15] > 4 * before


def test_places_that_were_wrong_stay_so_whatever_those_before_are() -> None:
    rates = Rates()
    for _ in range(30):
        rates.learn(Trust.STRONG, 16, 7)
    assert rates.curve(Trust.STRONG, 16)[6] > 0.8
    assert rates.curve(Trust.STRONG, 16)[15] < 0.05


def test_a_new_sequence_starts_from_what_others_have_shown() -> None:
    model = Rates()
    for _ in range(50):
        Rates(model).learn(Trust.WEAK, 8, 0)
    assert Rates(model).curve(Trust.WEAK, 1)[0] < 0.1
    assert Rates().curve(Trust.WEAK, 1)[0] > 0.4


def test_a_sequence_soon_goes_its_own_way() -> None:
    model = Rates()
    for _ in range(50):
        Rates(model).learn(Trust.WEAK, 8, 0)
    sequence = Rates(model)
    for _ in range(4):
        sequence.learn(Trust.WEAK, 8, 8)
    assert sequence.curve(Trust.WEAK, 1)[0] == pytest.approx(0.6, abs=0.15)


def test_rests_double_until_guesses_pay_again() -> None:
    rest = Rest()
    probes = [occasion for occasion in range(1, 200) if rest.refuse()]
    assert probes == [8, 24, 56, 120]
    rest.end()
    assert [occasion for occasion in range(1, 10) if rest.refuse()] == [8]


def test_the_longest_rest_is_bounded() -> None:
    rest = Rest()
    probes = [occasion for occasion in range(20_000) if rest.refuse()]
    assert probes[-1] - probes[-2] == 512
