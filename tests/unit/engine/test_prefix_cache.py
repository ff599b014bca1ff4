from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llmd.engine.prefix_cache import Match, PrefixCache, common


@pytest.fixture
def cache() -> PrefixCache:
    return PrefixCache()


@pytest.mark.parametrize(
    ("first", "second", "length"),
    [
        ([], [1], 0),
        ([1], [2], 0),
        ([1, 2, 3], [1, 2, 3], 3),
        ([1, 2, 3], [1, 2], 2),
        ([1, 2, 3, 4], [1, 2, 3, 5], 3),
        ([1, 2, 3, 4, 5, 6], [1, 9, 3, 4, 5, 6], 1),
        ([9, 2, 3], [1, 2, 3], 0),
    ],
)
def test_common_prefixes_are_measured(first: list[int], second: list[int], length: int) -> None:
    assert common(first, second) == length == common(second, first)


def test_finds_the_longest_prefix_and_who_holds_it(cache: PrefixCache) -> None:
    cache.extend(0, "", [1, 2, 3, 4])
    cache.share(0, 1, 2)
    cache.extend(1, "", [1, 2, 9])
    assert cache.match("", [1, 2, 3, 5]) == [Match(3, (0,)), Match(2, (0, 1))]
    assert cache.match("", [7]) == []
    assert cache.match("other", [1, 2, 3]) == []


def test_shared_cells_count_once_and_those_computed_twice_count_twice(cache: PrefixCache) -> None:
    cache.extend(0, "", [1, 2, 3, 4])
    cache.share(0, 1, 3)
    assert cache.cells == 4
    cache.extend(2, "", [1, 2, 3, 4])
    assert cache.cells == 8
    cache.cut(0, 0)
    # the first three are still referred to by sequence 1
    assert cache.cells == 7


def test_a_growing_answer_stays_one_run(cache: PrefixCache) -> None:
    for length in range(1, 50):
        cache.extend(3, "", list(range(length)))
    assert len(cache.match("", list(range(60)))) == 1
    assert cache.tokens(3) == list(range(49))


def test_parking_what_others_hold_keeps_nothing(cache: PrefixCache) -> None:
    cache.extend(0, "", [1, 2, 3, 4])
    cache.share(0, 1, 4)
    assert not cache.park(1)
    assert cache.park(0)
    assert cache.parked == {0}
    assert (cache.tail(0), cache.spare()) == (4, 4)


def test_the_prefix_used_least_goes_first_and_ages_protect_nobody_for_ever() -> None:
    cache = PrefixCache()
    for holder in range(3):
        cache.extend(holder, "", [10 * holder, 1, 2])
        cache.park(holder)
    cache.touch(0, 3)
    assert cache.victim() == 1
    cache.cut(1, 0)
    for newcomer in range(3, 9):
        cache.extend(newcomer, "", [10 * newcomer])
        cache.park(newcomer)
        victim = cache.victim(frozenset({newcomer}))
        assert victim is not None
        cache.cut(victim, 0)
    assert 0 not in cache.parked


def test_what_others_share_is_not_spare(cache: PrefixCache) -> None:
    cache.extend(0, "", [1, 2, 3, 4])
    cache.park(0)
    cache.share(0, 1, 3)
    assert cache.spare() == 1
    assert cache.tail(0) == 1
    cache.extend(1, "", [1, 2, 3, 7])
    cache.cut(0, 3)
    assert cache.redundant() == 0
    assert cache.victim(frozenset({0})) is None


class Tree(RuleBasedStateMachine):
    """The tree against plain lists: who holds which tokens, in which copy."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = PrefixCache()
        self.held: dict[int, list[tuple[int, int]]] = {}
        self.computed = 0

    @rule(holder=st.integers(0, 5), more=st.lists(st.integers(0, 2), min_size=1, max_size=6))
    def extend(self, holder: int, more: list[int]) -> None:
        if holder in self.cache.parked:
            return
        cells = self.held.setdefault(holder, [])
        for token in more:
            self.computed += 1
            cells.append((self.computed, token))
        self.cache.extend(holder, "", [token for _, token in cells])

    @precondition(lambda self: self.held)
    @rule(data=st.data(), sharer=st.integers(6, 9))
    def share(self, data: st.DataObject, sharer: int) -> None:
        source = data.draw(st.sampled_from(sorted(self.held)))
        if sharer in self.held:
            return
        length = data.draw(st.integers(1, len(self.held[source])))
        self.cache.share(source, sharer, length)
        self.held[sharer] = self.held[source][:length]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(sorted(self.held)))
        length = data.draw(st.integers(0, len(self.held[holder])))
        self.cache.cut(holder, length)
        self.held[holder] = self.held[holder][:length]
        if not length:
            del self.held[holder]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(sorted(self.held)))
        if holder not in self.cache.parked and not self.cache.park(holder):
            del self.held[holder]

    @invariant()
    def agrees(self) -> None:
        for holder, cells in self.held.items():
            assert self.cache.tokens(holder) == [token for _, token in cells]
            alone = {cell for cell, _ in cells}
            for other, others in self.held.items():
                if other != holder:
                    alone -= {cell for cell, _ in others}
            assert self.cache.tail(holder) == len(alone)
        everything = {cell for cells in self.held.values() for cell, _ in cells}
        assert self.cache.cells == len(everything)
        kept = {
            cell
            for holder, cells in self.held.items()
            if holder not in self.cache.parked
            for cell, _ in cells
        }
        assert self.cache.spare() == len(everything) - len(kept)

    @rule(tokens=st.lists(st.integers(0, 2), max_size=12))
    def match(self, tokens: list[int]) -> None:
        found = self.cache.match("", tokens)
        longest = max(
            (common(tokens, [t for _, t in cells]) for cells in self.held.values()), default=0
        )
        assert (found[0].length if found else 0) == longest
        for match in found:
            for holder in match.holders:
                assert self.cache.tokens(holder)[: match.length] == tokens[: match.length]


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=60, stateful_step_count=30)
