from __future__ import annotations

from llmd.cli.allowance import allowance, shown


def test_only_what_was_given_is_sent() -> None:
    assert allowance(None, None, None, None) == {}
    assert allowance(60, None, 0, 2) == {
        "requests_per_minute": 60,
        "tokens_per_day": 0,
        "concurrent": 2,
    }


def test_limits_are_shown_in_words() -> None:
    limits = {"requests_per_minute": 60, "tokens_per_minute": None, "concurrent": 0}
    assert shown(limits) == "60 req/min, unlimited at once"
    assert shown({}) == ""
