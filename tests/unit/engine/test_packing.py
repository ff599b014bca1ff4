from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.packing import BUSY_ROOM, ROOM, Input, take_turns

MOST = 8


def queues(*sizes: list[int]) -> list[deque[Input]]:
    return [
        deque(Input(place, [0] * size) for place, size in enumerate(lengths)) for lengths in sizes
    ]


def test_jobs_give_one_input_each_by_turns() -> None:
    taken = take_turns(queues([10, 10, 10], [10], [10, 10]), MOST)
    assert [(job, item.place) for job, item in taken] == [
        (0, 0),
        (1, 0),
        (2, 0),
        (0, 1),
        (2, 1),
        (0, 2),
    ]


def test_a_short_input_goes_along_with_a_long_one_of_another_job() -> None:
    waiting = queues([400, 400], [100])
    assert [job for job, _ in take_turns(waiting, MOST)] == [0, 1]
    assert [job for job, _ in take_turns(waiting, MOST)] == [0]


def test_a_smaller_room_makes_a_shorter_call() -> None:
    assert len(take_turns(queues([40] * 9), MOST, BUSY_ROOM)) == 1
    assert len(take_turns(queues([10] * 9), MOST, BUSY_ROOM)) == 6


def test_an_input_larger_than_the_room_goes_alone() -> None:
    waiting = queues([ROOM * 3], [1])
    assert [job for job, _ in take_turns(waiting, MOST)] == [0]
    assert [job for job, _ in take_turns(waiting, MOST)] == [1]


@given(
    st.lists(st.lists(st.integers(1, 700), max_size=30), max_size=6),
    st.integers(1, 70),
)
def test_everything_is_taken_once_in_order_and_within_bounds(
    sizes: list[list[int]], most: int
) -> None:
    waiting = queues(*sizes)
    taken: list[tuple[int, int]] = []
    while any(waiting):
        pack = take_turns(waiting, most)
        assert 1 <= len(pack) <= most
        total = sum(len(item.tokens) for _, item in pack)
        assert total <= max(ROOM, len(pack[0][1].tokens))
        taken += [(job, item.place) for job, item in pack]
    for job, lengths in enumerate(sizes):
        assert [place for at, place in taken if at == job] == list(range(len(lengths)))
