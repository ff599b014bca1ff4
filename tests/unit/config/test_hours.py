"""Times of day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.config.hours import Hours

minutes = st.integers(0, 24 * 60 - 1)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "22:00-07:00", " 9:30 - 17:00 ", "1:00-2:00, 3:00-4:00"])
def test_times_people_write_are_read(text: str) -> None:
    assert Hours.parse(text) == text.strip()


@pytest.mark.parametrize("wrong", ["night", "22-7", "25:00-07:00", "22:60-23:00", "22:00", 5, None])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        Hours.parse(wrong)


@pytest.mark.parametrize(
    ("hours", "hour", "inside"),
    [
        ("", 3, True),
        ("22:00-07:00", 23, True),
        ("22:00-07:00", 6, True),
        ("22:00-07:00", 7, False),
        ("22:00-07:00", 22, True),
        ("12:00-13:00,22:00-07:00", 12, True),
        ("00:00-24:00", 0, True),
        ("05:00-05:00", 12, True),
    ],
)
def test_a_span_may_pass_midnight(hours: str, hour: int, inside: bool) -> None:
    assert Hours.parse(hours).contain(at(hour)) is inside


def test_it_says_when_they_end_and_when_they_begin_again() -> None:
    hours = Hours.parse("22:00-07:00")
    assert hours.closing(at(23, 30)) == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert hours.closing(at(12)) is None
    assert hours.opening(at(12)) == at(22)
    assert Hours.parse("").closing(at(12)) is None


@given(minutes, minutes, minutes)
def test_what_opens_contains_and_what_closed_does_not(start: int, end: int, now: int) -> None:
    hours = Hours.parse(f"{start // 60}:{start % 60:02}-{end // 60}:{end % 60:02}")
    moment = at(now // 60, now % 60)
    if not hours.contain(moment):
        assert hours.contain(hours.opening(moment))
    elif start != end:
        closing = hours.closing(moment)
        assert closing
        assert closing > moment
        assert not hours.contain(closing)
