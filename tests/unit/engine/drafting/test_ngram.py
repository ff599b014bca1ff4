"""Prompt lookup: what is found, how copies are followed, and that the index is right and small."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.drafting import NgramDrafter, Trust
from llmd.engine.drafting.ngram import NgramIndex

tokens = st.lists(st.integers(0, 3), max_size=60)


def proposed(text: Sequence[int], limit: int = 4, prediction: Sequence[int] = ()) -> list[int]:
    return NgramIndex(text, prediction).propose(limit).tokens


def test_proposes_what_followed_last_time() -> None:
    assert proposed([7, 8, 9, 10, 11, 1, 2, 7, 8]) == [9, 10, 11, 1]


def test_the_longest_match_wins_over_the_latest() -> None:
    assert proposed([1, 2, 3, 4, 50, 9, 3, 4, 60, 1, 2, 3, 4], 1) == [50]


def test_the_latest_match_wins_among_equals() -> None:
    assert proposed([3, 4, 50, 9, 3, 4, 60, 8, 3, 4], 1) == [60]


def test_nothing_is_proposed_for_a_text_without_repetition() -> None:
    assert proposed(range(100)) == []
    assert proposed([]) == []
    assert proposed([5]) == []


def test_a_loop_is_read_on_beyond_the_end_of_the_text() -> None:
    assert proposed([9, 1, 2, 3, 1, 2, 3, 1, 2], 8) == [3, 1, 2, 3, 1, 2, 3, 1]


def test_trust_grows_with_the_match() -> None:
    text = list(range(100, 140))
    trusts = [NgramIndex([*text, 7, *text[:n]]).propose(4).trust for n in (2, 6, 12)]
    assert trusts == [Trust.WEAK, Trust.FAIR, Trust.STRONG]


def test_a_copy_goes_on_behind_a_replaced_token() -> None:
    source = list(range(100, 130))
    index = NgramIndex([*source, 1, 2, *source[:10]])
    assert index.propose(2).tokens == [110, 111]
    index.extend([55])
    draft = index.propose(3)
    assert draft.tokens == [111, 112, 113]
    assert draft.trust is Trust.GUESS
    index.extend([111])
    assert index.propose(3).trust is Trust.NEAR


def test_a_copy_goes_on_behind_left_out_tokens() -> None:
    source = list(range(100, 130))
    index = NgramIndex([*source, 1, 2, *source[:10]])
    index.propose(1)
    index.extend([source[15]])
    draft = index.propose(2)
    assert draft.tokens == [116, 117]
    assert draft.trust is Trust.NEAR


def test_a_copy_goes_on_behind_inserted_tokens() -> None:
    source = list(range(100, 130))
    index = NgramIndex([*source, 1, 2, *source[:10]])
    index.propose(1)
    index.extend([51, 52, 53, 54, source[10]])
    assert index.propose(2).tokens == [111, 112]


def test_a_copy_that_is_over_is_given_up() -> None:
    source = list(range(100, 130))
    index = NgramIndex([*source, 1, 2, *source[:10]])
    index.propose(1)
    index.extend(list(range(500, 520)))
    assert index.propose(4).tokens == []


def test_a_prediction_is_proposed_from_the_start_and_is_no_part_of_the_text() -> None:
    index = NgramIndex([1, 2, 3], prediction=[70, 71, 72])
    assert len(index) == 3
    assert index.propose(5).tokens == [70, 71, 72]
    index.extend([70, 71])
    assert index.propose(5).tokens == [72]
    index.extend([72])
    assert index.propose(5).tokens == []


def test_no_match_reaches_from_a_prediction_into_the_text() -> None:
    assert proposed([6, 7, 8, 4, 5], prediction=[4, 5]) == []


def test_placeholders_of_images_are_never_drafted() -> None:
    assert proposed([1, 2, 3, -1, -1, 4, 1, 2]) == [3]


def test_a_reset_index_forgets_the_old_text() -> None:
    index = NgramIndex([1, 2, 3, 4])
    index.reset([8, 9, 1, 2])
    assert index.propose(2).tokens == []
    index.extend([8, 9])
    assert index.propose(2).tokens == [1, 2]


@given(tokens, tokens, tokens)
def test_growing_token_by_token_finds_what_a_fresh_index_finds(
    first: list[int], second: list[int], prediction: list[int]
) -> None:
    grown = NgramIndex(first, prediction)
    grown.extend(second)
    whole = NgramIndex([*first, *second], prediction)
    # without a copy to follow, both look up the same text
    grown.propose(0)
    grown._copy = whole._copy = None
    assert grown.propose(6) == whole.propose(6)


@given(tokens)
def test_a_proposal_has_followed_the_last_two_tokens_before(text: list[int]) -> None:
    draft = proposed(text, 3)
    if draft:
        loop = [*text, *draft]
        pairs = zip(loop, loop[1:], loop[2:], strict=False)
        places = [i for i, three in enumerate(pairs) if three == (*text[-2:], draft[0])]
        assert places[0] < len(text) - 2


@given(tokens, st.integers(0, 40))
def test_a_proposal_is_never_longer_than_asked_for(text: list[int], limit: int) -> None:
    assert len(proposed(text, limit)) <= limit


def test_a_long_text_takes_little_memory_and_every_match_is_found() -> None:
    text = random.Random(1).sample(range(150_000), 100_000)
    index = NgramIndex(text)
    bytes_held = sum(
        len(array) * array.itemsize for array in (index._tokens, index._heads, index._earlier)
    )
    assert bytes_held <= 20 * len(text)
    for place in (2, 500, 99_000):
        index = NgramIndex([*text, *text[place : place + 2]])
        assert index.propose(3).tokens == text[place + 2 : place + 5]


def test_the_index_grows_with_its_text() -> None:
    text = random.Random(2).sample(range(150_000), 9_000)
    index = NgramIndex(text[:10])
    index.extend(text[10:])
    index.extend(text[100:104])
    assert index.propose(2).tokens == text[104:106]


def test_the_drafter_follows_texts_by_id() -> None:
    drafter = NgramDrafter()
    drafter.start(1, [1, 2, 3, 1])
    drafter.start(2, [1, 2, 4, 1])
    drafter.observe(1, [2])
    drafter.observe(2, [2])
    drafter.observe(3, [2])
    drafts = drafter.propose({1: 1, 2: 2, 3: 3})
    assert {sequence: draft.tokens for sequence, draft in drafts.items()} == {1: [3], 2: [4, 1]}
    drafter.stop(1)
    drafter.stop(1)
    assert list(drafter.propose({1: 1, 2: 0})) == []
