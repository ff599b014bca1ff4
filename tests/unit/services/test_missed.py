from __future__ import annotations

import pytest

from llmd.protocol.events import CacheMiss, MissKind
from llmd.services.missed import plainly


@pytest.mark.parametrize(
    ("miss", "words"),
    [
        (None, ""),
        (CacheMiss(MissKind.COLD, 0), "nothing cached yet"),
        (
            CacheMiss(MissKind.EVICTED, 9, evicted_tokens=1234),
            "evicted: 1,234 tokens had to make room",
        ),
        (
            CacheMiss(MissKind.SYSTEM, 37, "Tuesday", "Monday"),
            "system prompt differs at token 37: 'Tuesday' instead of 'Monday'",
        ),
        (CacheMiss(MissKind.TIME, 5, "", "x"), "a date or time differs at token 5"),
        (
            CacheMiss(MissKind.TOOLS, 5, "一", "二"),
            "tools or their order differ at token 5: '一' instead of '二'",
        ),
    ],
)
def test_reasons_in_words(miss: CacheMiss | None, words: str) -> None:
    assert plainly(miss) == words


@pytest.mark.parametrize("kind", MissKind)
def test_every_kind_has_words(kind: MissKind) -> None:
    assert plainly(CacheMiss(kind, 1, "a", "b", 2))


def test_what_is_quoted_is_short_and_cannot_move_the_cursor() -> None:
    told = plainly(CacheMiss(MissKind.PROMPT, 1, "\x1b[2J\n" + "x" * 60, "y\r" * 60))
    assert told.isprintable()
    assert len(told) < 120
    assert told.count("…") == 2
