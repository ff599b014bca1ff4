"""Finding the stored text that shares most with a prompt."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.cache_files import index as index_module
from llmd.engine.cache_files.index import Entry, Index, shared
from llmd.engine.cache_files.snapshot import Reach, packed

ROOM = 1 << 40
TOKENS = st.lists(st.integers(0, 2), max_size=8)
TEXTS = st.lists(st.tuples(TOKENS, st.integers(0, 8), st.sampled_from(["", "lora"])), max_size=12)


def entry(tokens: list[int], floor: int = 0, adapters: str = "", name: str = "") -> Entry:
    points = tuple(range(2, len(tokens), 3)) if floor else ()
    reach = Reach(len(tokens), min(floor, len(tokens)), points)
    return Entry(name or f"{adapters}{tokens}", adapters, packed(tokens), reach)


def filled(texts: list[tuple[list[int], int, str]]) -> tuple[Index, dict[str, Entry]]:
    entries = [entry(*text) for text in texts if text[0]]
    index = Index()
    for each in entries:
        index.add(each)
    return index, {each.name: each for each in entries}


def common(first: list[int], second: list[int]) -> int:
    pairs = zip(first, second, strict=False)
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


@given(TEXTS, TOKENS, st.integers(1, 9))
def test_the_best_entry_is_the_one_that_a_look_at_all_would_find(
    texts: list[tuple[list[int], int, str]], tokens: list[int], room: int
) -> None:
    index, entries = filled(texts)
    values = [
        (each.reach.best(shared(packed(tokens), each.text)), -each.reach.length)
        for each in entries.values()
        if each.adapters == "" and each.reach.length <= room
    ]
    found = index.best(packed(tokens), "", room)
    best = max(values, default=(0, 0))
    if best[0] == 0:
        assert found is None
    else:
        assert found
        assert (found[1], -found[0].reach.length) == best


@given(TEXTS, TOKENS)
def test_prefixes_and_extensions_are_all_of_them(
    texts: list[tuple[list[int], int, str]], tokens: list[int]
) -> None:
    index, entries = filled(texts)
    text = packed(tokens)
    own = [each for each in entries.values() if each.adapters == "lora"]
    prefixes = {each.name for each in index.prefixes(text, "lora")}
    assert prefixes == {each.name for each in own if text.startswith(each.text)}
    extensions = {each.name for each in index.extensions(text, "lora")}
    assert extensions == {each.name for each in own if each.text.startswith(text)}


@given(TEXTS)
def test_what_is_discarded_is_not_found_again(texts: list[tuple[list[int], int, str]]) -> None:
    index, entries = filled(texts)
    assert index.names == frozenset(entries)
    assert index.tokens == sum(each.reach.length for each in entries.values())
    for name, each in entries.items():
        assert name in index
        index.discard(name)
        index.discard(name)
        found = index.best(each.text, each.adapters, ROOM)
        assert found is None or found[0] is not each
    assert (len(index), index.tokens) == (0, 0)


@given(TOKENS, TOKENS)
def test_shared_counts_whole_tokens(first: list[int], second: list[int]) -> None:
    # the bytes of 1 and 257 agree in part
    wide = [[token * 257 for token in tokens] for tokens in (first, second)]
    assert shared(packed(wide[0]), packed(wide[1])) == common(first, second)


def test_long_texts_that_differ_at_the_end_are_told_apart() -> None:
    base = list(range(100_000))
    index = Index()
    for last in range(20):
        index.add(entry([*base, last, 7], name=str(last)))
    found = index.best(packed([*base, 11, 8]), "", ROOM)
    assert found
    assert (found[0].name, found[1]) == ("11", 100_001)


def test_prefixes_among_thousands_that_begin_alike_cost_a_few_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Index()
    for number in range(3000):
        store.add(entry([7, 7, number, 1], name=str(number)))
    looks: list[int] = []

    def counted(first: bytes, second: bytes) -> int:
        looks.append(shared(first, second))
        return looks[-1]

    monkeypatch.setattr(index_module, "shared", counted)
    found = list(store.prefixes(packed([7, 7, 2999, 1, 5]), ""))
    assert [each.name for each in found] == ["2999"]
    assert len(looks) < 10
