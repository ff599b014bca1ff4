from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmd.models.placement.searching import largest


@given(st.integers(0, 50), st.integers(0, 400), st.integers(1, 9), st.integers(0, 500))
def test_it_finds_what_trying_all_would(low: int, span: int, step: int, limit: int) -> None:
    tried = [value for value in range(low, low + span + 1, step) if value <= limit]
    assert largest(low, low + span, lambda value: value <= limit, step) == (
        tried[-1] if tried else None
    )


def test_an_empty_range_holds_nothing() -> None:
    assert largest(3, 2, lambda _: True) is None
