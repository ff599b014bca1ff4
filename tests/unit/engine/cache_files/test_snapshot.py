"""Where a snapshot can be taken up again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.cache_files.snapshot import Reach, packed, unpacked
from tests.unit.engine.cache_files.conftest import snapshot


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50))
def test_tokens_come_back_as_they_were(tokens: list[int]) -> None:
    assert unpacked(packed(tokens)) == tuple(tokens)


@given(st.lists(st.integers(0, 2**40), max_size=8), st.lists(st.integers(0, 2**40), max_size=8))
def test_packed_tokens_sort_like_tokens(first: list[int], second: list[int]) -> None:
    assert (packed(first) < packed(second)) == (first < second)


@pytest.mark.parametrize(
    ("reach", "common", "best"),
    [
        (Reach(100, 0), 40, 40),  # a plain KV cache: any length
        (Reach(100, 0), 900, 100),
        (Reach(100, 99), 99, 99),  # a window: one token back
        (Reach(100, 99), 98, 0),
        (Reach(100, 100, (30, 60)), 99, 60),  # states: whole, or at a checkpoint
        (Reach(100, 100, (30, 60)), 60, 60),
        (Reach(100, 100, (30, 60)), 59, 30),
        (Reach(100, 100, (30, 60)), 29, 0),
        (Reach(100, 100, (30, 60)), 100, 100),
    ],
)
def test_the_most_tokens_of_use_to_a_text(reach: Reach, common: int, best: int) -> None:
    assert reach.best(common) == best


def test_a_longer_snapshot_covers_a_shorter_one_where_it_can_be_cut_to_it() -> None:
    assert Reach(100, 0).covers(Reach(50, 0))
    assert Reach(100, 0).covers(Reach(50, 50, (20,)))
    assert not Reach(100, 100).covers(Reach(50, 50))
    assert Reach(100, 100, (50,)).covers(Reach(50, 50))
    assert not Reach(100, 100, (50,)).covers(Reach(50, 50, (20,)))
    assert Reach(100, 100, (20, 50)).covers(Reach(50, 50, (20,)))
    assert not Reach(100, 100).covers(Reach(50, 0))


def test_a_snapshot_counts_all_its_bytes() -> None:
    assert snapshot(range(9), 100, 9, (3, 6)).nbytes == 120
