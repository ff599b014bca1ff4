from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.limits import Allowance
from llmd.protocol.usage import Used
from llmd.server.web.people import DAYS, LimitFields, chart, charts, shelf

DAY = 86_400.0
NOW = 20_000 * DAY + 1000


def used(day: int, tokens: int, subject: str = "key:a") -> Used:
    return Used(subject=subject, start=(20_000 + day) * DAY, tokens=tokens, answers=2)


def test_a_chart_has_every_day_with_its_share_of_the_highest() -> None:
    found = chart([used(-1, 50), used(0, 100)], NOW)
    assert len(found.days) == DAYS
    assert [day.share for day in found.days[-3:]] == [0, 0.5, 1]
    assert found.days[-1].day == "2024-10-04"
    assert (found.tokens, found.answers, found.top) == (150, 4, 100)


def test_what_is_older_than_the_chart_is_left_out() -> None:
    assert chart([used(-DAYS, 99)], NOW).tokens == 0
    assert chart([used(-DAYS + 1, 99)], NOW).tokens == 99


def test_answers_without_tokens_draw_nothing_and_divide_by_nothing() -> None:
    found = chart([used(0, 0)], NOW)
    assert (found.days[-1].share, found.answers) == (0, 2)


def test_each_subject_gets_its_own_chart() -> None:
    found = charts([used(0, 1), used(0, 2, "key:b"), used(-1, 3)], NOW)
    assert {subject: one.tokens for subject, one in found.items()} == {"key:a": 4, "key:b": 2}


def test_a_long_list_is_cut_into_pages() -> None:
    rows = list(range(120))
    assert [len(shelf(rows, page).rows) for page in (1, 2, 3)] == [50, 50, 20]
    assert shelf(rows, 99).page == 3
    assert shelf([], 7) == shelf([], 1)


def test_empty_limits_are_as_the_settings_say() -> None:
    assert LimitFields(concurrent=0).allowance == Allowance(concurrent=0)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"concurrent": "-1"}, LimitFields, strict=False)
