from __future__ import annotations

from llmd.engine.drafting import Draft, Trust


def test_an_empty_draft_is_false() -> None:
    assert not Draft([], Trust.STRONG)
    assert Draft([0], Trust.GUESS)


def test_longer_matches_are_trusted_more() -> None:
    assert Trust.GUESS < Trust.WEAK < Trust.FAIR < Trust.STRONG
