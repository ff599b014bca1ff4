from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.sampling import GreedySampler
from llmd.engine.scheduler import Limits, Plan, Scheduler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import QueueFull

LIMITS = Limits(parallel=2, kv_tokens=200, batch=32, prefill_chunk=8, max_queue=2)


def sequence(request: int, length: int) -> Sequence:
    return Sequence(
        request, [1] * length, GreedySampler(), TextStream(), Timing(0.0), max_tokens=1000
    )


def carry_out(plan: Plan) -> None:
    """Do to the sequences what a decode call and a sampler would."""
    for chunk in plan.chunks:
        chunk.sequence.cached += chunk.count
        if chunk.last:
            chunk.sequence.tokens.append(1)
            chunk.sequence.generated += 1


def shape(plan: Plan) -> list[tuple[int, int, bool]]:
    return [(chunk.sequence.id, chunk.count, chunk.last) for chunk in plan.chunks]


def test_reads_a_long_prompt_in_whole_batches_when_nothing_else_runs() -> None:
    scheduler = Scheduler(LIMITS)
    scheduler.add(sequence(1, 50))
    plan = scheduler.plan()
    assert shape(plan) == [(1, 32, False)]
    carry_out(plan)
    assert shape(scheduler.plan()) == [(1, 18, True)]


def test_a_running_stream_gets_its_token_in_every_step_while_a_prompt_is_read() -> None:
    scheduler = Scheduler(LIMITS)
    scheduler.add(sequence(1, 4))
    carry_out(scheduler.plan())
    scheduler.add(sequence(2, 20))
    for expected in [
        [(1, 1, True), (2, 8, False)],
        [(1, 1, True), (2, 8, False)],
        [(1, 1, True), (2, 4, True)],
    ]:
        plan = scheduler.plan()
        assert shape(plan) == expected
        carry_out(plan)
    assert shape(scheduler.plan()) == [(1, 1, True), (2, 1, True)]


def test_admits_in_order_of_arrival_and_only_as_many_as_have_slots() -> None:
    scheduler = Scheduler(LIMITS)
    for request in (1, 2, 3):
        scheduler.add(sequence(request, 4))
    assert [s.id for s in scheduler.plan().admitted] == [1, 2]
    scheduler.release(scheduler.running[0])
    assert [s.id for s in scheduler.plan().admitted] == [3]


def test_refuses_what_the_queue_cannot_hold() -> None:
    scheduler = Scheduler(LIMITS)
    for request in range(4):
        scheduler.add(sequence(request, 4))
    with pytest.raises(QueueFull) as caught:
        scheduler.add(sequence(9, 4))
    assert caught.value.retry_after


def test_a_prompt_waits_until_the_cache_has_room_for_all_of_it() -> None:
    scheduler = Scheduler(LIMITS)
    scheduler.add(sequence(1, 120))
    scheduler.add(sequence(2, 60))
    assert [s.id for s in scheduler.plan().admitted] == [1]
    scheduler.release(scheduler.running[0])
    assert [s.id for s in scheduler.plan().admitted] == [2]


def test_preempts_the_youngest_when_the_cache_is_full_and_loses_nothing() -> None:
    scheduler = Scheduler(
        Limits(parallel=2, kv_tokens=64 + 20, batch=64, prefill_chunk=64, max_queue=9)
    )
    old, young = sequence(1, 10), sequence(2, 9)
    scheduler.add(old)
    scheduler.add(young)
    while not (plan := scheduler.plan()).preempted:
        carry_out(plan)
    assert [s.id for s, _ in plan.preempted] == [2]
    assert scheduler.waiting[0] is young
    assert young.cached == 0
    written = young.generated
    assert written > 0
    scheduler.release(old)
    plan = scheduler.plan()
    assert [s.id for s in plan.admitted] == [2]
    assert plan.chunks[0].count == 9 + written


def test_never_preempts_the_only_one() -> None:
    scheduler = Scheduler(LIMITS)
    scheduler.add(sequence(1, 10))
    carry_out(scheduler.plan())
    assert scheduler.preempt_youngest() is None


def test_releasing_a_waiting_sequence_frees_no_slot() -> None:
    scheduler = Scheduler(LIMITS)
    waiting = sequence(1, 4)
    scheduler.add(waiting)
    assert scheduler.release(waiting) == -1
    assert scheduler.idle


@given(
    st.lists(st.tuples(st.integers(1, 150), st.integers(1, 40)), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(1, 40),
)
def test_every_request_ends_and_the_cache_never_overflows(
    wishes: list[tuple[int, int]], parallel: int, chunk: int
) -> None:
    limits = Limits(parallel=parallel, kv_tokens=200, batch=48, prefill_chunk=chunk, max_queue=100)
    scheduler = Scheduler(limits)
    left = {}
    for request, (length, answer) in enumerate(wishes):
        scheduler.add(sequence(request, length))
        left[request] = answer
    for _ in range(20_000):
        if scheduler.idle:
            break
        plan = scheduler.plan()
        assert plan.chunks, "a step without work would loop for ever"
        assert sum(c.count for c in plan.chunks) <= limits.batch
        assert len({s.slot for s in scheduler.running}) == len(scheduler.running) <= parallel
        carry_out(plan)
        assert sum(s.cached for s in scheduler.running) <= limits.kv_tokens
        for running in list(scheduler.running):
            if running.generated >= left[running.id]:
                scheduler.release(running)
    assert scheduler.idle
