"""Which bytes are there, held against plain sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmd.models.sources.transfer.spans import Spans

SIZE = 40
steps = st.lists(st.tuples(st.booleans(), st.integers(0, SIZE), st.integers(0, SIZE)), max_size=30)


@given(steps)
def test_it_is_a_set_of_bytes(steps: list[tuple[bool, int, int]]) -> None:
    spans, model = Spans(), set[int]()
    for add, start, end in steps:
        if add:
            spans.add(start, end)
            model |= set(range(start, end))
        else:
            spans.remove(start, end)
            model -= set(range(start, end))
    assert {byte for start, end in spans for byte in range(start, end)} == model
    assert spans.total == len(model)
    missing = {byte for start, end in spans.gaps(SIZE) for byte in range(start, end)}
    assert missing == set(range(SIZE)) - model
    for start in range(SIZE):
        assert spans.reach(start) == next(b for b in range(start, SIZE + 2) if b not in model)


@given(steps)
def test_its_intervals_are_apart_and_in_order(steps: list[tuple[bool, int, int]]) -> None:
    spans = Spans()
    for add, start, end in steps:
        (spans.add if add else spans.remove)(start, end)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))


def test_what_was_cleared_is_empty() -> None:
    spans = Spans([(0, 5), (7, 9)])
    spans.clear()
    assert (list(spans), spans.total) == ([], 0)
