from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.engine.waiting import WaitingLine
from llmd.protocol.requests import Lane


def waiting(
    request: int, client: str = "", length: int = 10, lane: Lane = Lane.INTERACTIVE
) -> Sequence:
    return Sequence(
        request,
        [1] * length,
        GreedySampler(),
        TextStream(),
        Timing(0.0),
        max_tokens=10,
        client=client,
        lane=lane,
    )


def serve_all(line: WaitingLine) -> list[int]:
    served = []
    while line:
        first = next(iter(line))
        line.serve(first, 0.0)
        served.append(first.id)
    return served


@pytest.fixture
def line() -> WaitingLine:
    return WaitingLine()


def test_one_client_is_served_in_order_of_arrival(line: WaitingLine) -> None:
    for request in range(5):
        line.add(waiting(request, length=50 - 10 * request))
    assert serve_all(line) == [0, 1, 2, 3, 4]


def test_a_client_with_many_requests_delays_another_by_one(line: WaitingLine) -> None:
    for request in range(100):
        line.add(waiting(request, "greedy"))
    line.serve(next(iter(line)), 0.0)
    line.add(waiting(500, "modest"))
    assert [sequence.id for sequence in line][:3] == [500, 1, 2]


def test_dear_requests_count_for_more_than_cheap_ones(line: WaitingLine) -> None:
    for request in range(3):
        line.add(waiting(request, "dear", length=990))
        for cheap in range(40):
            line.add(waiting(100 * (request + 1) + cheap, "cheap", length=15))
    order = serve_all(line)
    between = [place for place, request in enumerate(order) if request < 100]
    # 1000 tokens of one client weigh as much as 40 requests of 25 tokens of the other
    assert between[2] - between[1] == 41


def test_batch_requests_come_last_but_at_most_eight_pass_them(line: WaitingLine) -> None:
    line.add(waiting(900, lane=Lane.BATCH))
    line.add(waiting(901, lane=Lane.BATCH))
    for request in range(20):
        line.add(waiting(request))
    planned = [sequence.id for sequence in line]
    order = serve_all(line)
    assert order == planned
    assert [order.index(900), order.index(901)] == [8, 17]


def test_a_preempted_request_goes_before_all_others(line: WaitingLine) -> None:
    line.add(waiting(1))
    for request in (2, 3):
        line.put_back(waiting(request))
    assert serve_all(line) == [3, 2, 1]


def test_the_wait_is_guessed_from_what_was_served_lately(line: WaitingLine) -> None:
    assert line.wait(3, 0.0) == 0.0
    for second in range(10):
        one = waiting(second)
        line.add(one)
        line.serve(one, float(second))
    assert line.wait(0, 10.0) == 0.0
    assert line.wait(3, 10.0) == pytest.approx(3.0)


def test_a_request_that_leaves_is_forgotten(line: WaitingLine) -> None:
    one, two = waiting(1), waiting(2)
    line.add(one)
    line.add(two)
    assert one in line
    line.remove(one)
    assert one not in line
    assert len(line) == 1
    assert serve_all(line) == [2]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 500), st.booleans()), max_size=60))
def test_nobody_starves(arrivals: list[tuple[str, int, bool]]) -> None:
    line = WaitingLine()
    for request, (client, length, batch) in enumerate(arrivals):
        line.add(waiting(request, client, length, Lane.BATCH if batch else Lane.INTERACTIVE))
    assert sorted(serve_all(line)) == list(range(len(arrivals)))


def test_what_was_served_before_a_rest_says_nothing_of_the_next_wait(line: WaitingLine) -> None:
    for request in range(4):
        line.add(waiting(request))
        line.serve(next(iter(line)), float(request))
    assert line.wait(2, 4.0) == 2.0
    line.rest()
    assert line.wait(2, 4000.0) == 0.0
