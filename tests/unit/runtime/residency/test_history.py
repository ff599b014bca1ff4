from __future__ import annotations

import pytest

from llmd.runtime.residency.history import History


def asked(*names: str, every: float = 1.0) -> History:
    history = History()
    for place, name in enumerate(names):
        history.note(name, place * every)
    return history


def test_without_a_rhythm_the_one_asked_longest_ago_is_expected_last() -> None:
    history = asked("a", "b", "c")
    assert history.expected("a") > history.expected("b") >= history.expected("c")
    assert history.expected("never") >= history.expected("a")


def test_repeats_of_one_model_say_nothing_of_the_others() -> None:
    assert asked("a", "b", *["c"] * 50).expected("a") == asked("a", "b", "c").expected("a")


def test_models_that_take_turns_are_expected_at_their_next_one() -> None:
    history = asked(*"abc" * 5)
    assert [history.expected(name) for name in "abc"] == [1, 2, 3]


def test_one_that_comes_often_is_expected_sooner_than_one_that_was_away_for_as_long() -> None:
    history = asked(*"aebaecaedaefabab")
    assert history.expected("c") > history.expected("e") > history.expected("a")


def test_one_that_stays_away_is_given_up() -> None:
    before = asked(*"ababab")
    after = asked(*"ababab", *"cdcecdcecd")
    assert after.expected("a") > before.expected("a") + 5


def test_a_model_rests_as_long_as_its_requests_are_usually_apart() -> None:
    history = asked("a", "a", "a", "a", every=0.5)
    assert history.rest("a", longest=4.0) == pytest.approx(1.0)
    assert history.rest("a", longest=0.9) == 0, "waiting for it costs more than loading it again"
    assert asked("a").rest("a", longest=4.0) == 0
    assert history.rest("b", longest=4.0) == 0
