"""Media among tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.media_span import MediaSpan, boundary, made_up_tokens, run_length


@dataclass(frozen=True)
class FakePatch:
    count: int
    positions: int


def span(start: int, positions: int, count: int | None = None) -> MediaSpan:
    return MediaSpan(start, FakePatch(count or positions, positions), np.zeros((1, 1), np.float32))


MEDIA = [span(5, 4), span(9, 3), span(20, 2, 16)]


def test_a_span_knows_its_end_and_the_cells_it_takes_besides() -> None:
    assert [each.end for each in MEDIA] == [9, 12, 22]
    assert [each.extra for each in MEDIA] == [0, 0, 14]


@pytest.mark.parametrize(
    ("start", "count", "expected", "patch"),
    [
        (0, 100, 5, None),
        (0, 3, 3, None),
        (5, 1, 4, 0),
        (9, 100, 3, 1),
        (12, 100, 8, None),
        (12, 8, 8, None),
        (20, 1, 2, 2),
        (22, 100, 100, None),
    ],
)
def test_a_run_is_text_up_to_a_patch_or_one_whole_patch(
    start: int, count: int, expected: int, patch: int | None
) -> None:
    found = run_length(MEDIA, start, count)
    assert found == (expected, None if patch is None else MEDIA[patch])


def test_runs_cover_a_sequence_without_cutting_a_patch() -> None:
    at, seen = 0, []
    while at < 30:
        count, patch = run_length(MEDIA, at, min(7, 30 - at))
        if patch:
            seen.append(patch)
        at += count
    assert (at, seen) == (30, MEDIA)


@pytest.mark.parametrize(
    ("index", "expected"), [(0, 0), (5, 5), (6, 5), (9, 9), (11, 9), (12, 12), (21, 20), (40, 40)]
)
def test_a_prefix_never_ends_inside_a_patch(index: int, expected: int) -> None:
    assert boundary(MEDIA, index) == expected


@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(1, 600))
def test_made_up_tokens_stand_for_their_key_alone(one: bytes, other: bytes, count: int) -> None:
    tokens = made_up_tokens(one, count)
    assert len(tokens) == count
    assert all(-(2**31) <= token < 0 for token in tokens)
    assert tokens == made_up_tokens(one, count)
    if one != other and count > 3:
        assert tokens != made_up_tokens(other, count)
