from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.limits import Limits
from llmd.engine.plan import Plan
from llmd.engine.sampling import GreedySampler
from llmd.engine.scheduler import Scheduler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import QueueFull
from tests.fakes.kv import FakeKV

LIMITS = Limits(parallel=2, slots=4, kv_tokens=200, batch=32, prefill_chunk=8, max_queue=2)
ANSWER = 7


def sequence(request: int, prompt: int | list[int], **fields: object) -> Sequence:
    # prompts of different requests begin with different tokens unless they are given
    tokens = [1000 + request] * prompt if isinstance(prompt, int) else list(prompt)
    made = Sequence(request, tokens, GreedySampler(), TextStream(), Timing(0.0), max_tokens=1000)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


class Bench:
    """A scheduler over a fake cache, with the part of the step loop that moves sequences on."""

    def __init__(self, limits: Limits = LIMITS, *, cuts: bool = True) -> None:
        self.kv = FakeKV(limits.kv_tokens, cuts)
        self.scheduler = Scheduler(limits, self.kv.memory)

    def add(self, *sequences: Sequence) -> None:
        for one in sequences:
            self.scheduler.add(one)

    def step(self) -> Plan:
        plan = self.scheduler.plan(0.0)
        self.kv.decode(plan)
        for chunk in plan.chunks:
            one = chunk.sequence
            reads = not one.decoding
            one.cached += chunk.count
            if reads:
                self.scheduler.cache.read(one, stop=chunk.stop)
            if chunk.last:
                one.tokens.append(ANSWER)
                one.generated += 1
        return plan

    def steps(self) -> list[list[tuple[int, int]]]:
        """Read all prompts; return (id, count) of the chunks of every step."""
        shapes = []
        while any(not one.generated for one in self.scheduler.running) or self.scheduler.waiting:
            shapes.append(shape(self.step()))
            for one in list(self.scheduler.running):
                if one.generated:
                    self.scheduler.release(one)
        return shapes

    def running(self) -> list[int]:
        return [one.id for one in self.scheduler.running]


def shape(plan: Plan) -> list[tuple[int, int]]:
    return [(chunk.sequence.id, chunk.count) for chunk in plan.chunks]


def test_reads_a_long_prompt_in_whole_batches_when_nothing_else_runs() -> None:
    bench = Bench()
    bench.add(sequence(1, 50))
    assert bench.steps() == [[(1, 32)], [(1, 18)]]


def test_a_small_rest_is_read_along_with_the_batch_before_it() -> None:
    bench = Bench()
    bench.add(sequence(1, 30), sequence(2, 18))
    assert bench.steps() == [[(1, 30), (2, 18)]]
    bench.add(sequence(3, 30), sequence(4, 19))
    assert [sum(count for _, count in step) for step in bench.steps()] == [32, 17]


def test_prompts_are_read_in_shorter_calls_where_one_of_the_usual_length_takes_very_long() -> None:
    bench = Bench(replace(LIMITS, kv_tokens=2000, batch=256, prefill_chunk=200))
    bench.scheduler.cap.observe(256, 25.6)
    bench.add(sequence(1, 100))
    assert bench.steps() == [[(1, 64)], [(1, 36)]]
    bench.add(sequence(2, 4))
    bench.step()
    bench.add(sequence(3, 100))
    assert shape(bench.step()) == [(2, 1), (3, 64)], "beside an answer, too"


def test_a_running_stream_gets_its_token_in_every_step_while_a_prompt_is_read() -> None:
    bench = Bench()
    bench.add(sequence(1, 4))
    bench.step()
    bench.add(sequence(2, 20))
    for expected in [[(1, 1), (2, 8)], [(1, 1), (2, 8)], [(1, 1), (2, 4)], [(1, 1), (2, 1)]]:
        assert shape(bench.step()) == expected


def test_admits_in_order_of_arrival_and_only_as_many_as_may_run() -> None:
    bench = Bench()
    bench.add(sequence(1, 4), sequence(2, 4), sequence(3, 4))
    bench.step()
    assert bench.running() == [1, 2]
    bench.scheduler.release(bench.scheduler.running[0])
    bench.step()
    assert bench.running() == [2, 3]


def test_refuses_what_the_queue_cannot_hold() -> None:
    bench = Bench()
    bench.add(*(sequence(request, 4) for request in range(4)))
    with pytest.raises(QueueFull) as caught:
        bench.add(sequence(9, 4))
    assert caught.value.retry_after


def test_a_prompt_waits_until_the_cache_has_room_for_all_of_it() -> None:
    bench = Bench()
    bench.add(sequence(1, 120), sequence(2, 60))
    bench.step()
    assert bench.running() == [1]
    bench.scheduler.release(bench.scheduler.running[0])
    bench.step()
    assert bench.running() == [2]


def test_a_request_that_fits_passes_one_that_does_not_but_not_for_ever() -> None:
    bench = Bench(replace(LIMITS, parallel=3, slots=6, max_queue=99))
    bench.add(sequence(0, 100), sequence(1, 90))
    bench.step()
    passed = 0
    for request in range(2, 40):
        bench.add(sequence(request, 4))
        bench.step()
        if request not in bench.running():
            break
        passed += 1
        bench.scheduler.release(next(s for s in bench.scheduler.running if s.id == request))
    assert passed == 8
    bench.scheduler.release(bench.scheduler.running[0])
    bench.step()
    assert bench.running()[0] == 1


def test_a_short_prompt_does_not_wait_behind_a_long_one() -> None:
    bench = Bench(replace(LIMITS, kv_tokens=2000))
    bench.add(sequence(1, 1000))
    bench.step()
    bench.add(sequence(2, 20))
    assert shape(bench.step()) == [(1, 12), (2, 20)]


def test_the_eldest_prompt_keeps_a_quarter_whatever_comes() -> None:
    bench = Bench(replace(LIMITS, parallel=4, slots=8, kv_tokens=4000, max_queue=99))
    bench.add(sequence(0, 320))
    steps = 0
    while not bench.scheduler.running or not bench.scheduler.running[0].generated:
        bench.add(sequence(100 + steps, 30))
        bench.step()
        for one in bench.scheduler.running[1:]:
            if one.generated:
                bench.scheduler.release(one)
        steps += 1
    assert steps <= 4 * (320 // 32) + 1


def test_preempts_the_youngest_when_the_cache_is_full_and_loses_nothing() -> None:
    bench = Bench(replace(LIMITS, kv_tokens=84, batch=64, prefill_chunk=64))
    old, young = sequence(1, 10), sequence(2, 9)
    bench.add(old, young)
    while young.slot >= 0 or not young.generated:
        bench.step()
    assert bench.running() == [1]
    assert list(bench.scheduler.waiting) == [young]
    written = young.generated
    bench.scheduler.release(old)
    plan = bench.step()
    assert bench.running() == [2]
    # most of it was still there
    assert plan.chunks[0].count < 9 + written
    assert bench.kv.tokens(young.slot) == young.tokens[:-1]


def test_never_preempts_the_only_one() -> None:
    bench = Bench()
    bench.add(sequence(1, 10))
    bench.step()
    assert not bench.scheduler.preempt_youngest()


def test_releasing_a_waiting_sequence_leaves_nothing() -> None:
    bench = Bench()
    waiting = sequence(1, 4)
    bench.add(waiting)
    bench.scheduler.release(waiting)
    assert bench.scheduler.idle


def test_prompts_that_begin_alike_read_their_beginning_once() -> None:
    bench = Bench(replace(LIMITS, parallel=4, slots=8, kv_tokens=1000, max_queue=99))
    shared = list(range(1, 101))
    bench.add(*(sequence(request, [*shared, 500 + request, 9]) for request in range(4)))
    read = sum(count for step in bench.steps() for _, count in step)
    assert read == 102 + 3 * 2
    assert bench.kv.shares == 3


def test_a_follower_goes_on_alone_when_its_leader_leaves() -> None:
    bench = Bench(replace(LIMITS, kv_tokens=1000))
    shared = list(range(1, 101))
    leader, follower = sequence(1, [*shared, 501]), sequence(2, [*shared, 502])
    bench.add(leader, follower)
    assert shape(bench.step()) == [(1, 32)]
    bench.scheduler.release(leader)
    assert shape(bench.step()) == [(2, 32)]
    # what the leader had read was not lost
    assert follower.reused == 32


def test_an_ended_answer_is_continued_from_where_it_ended() -> None:
    bench = Bench()
    first = sequence(1, list(range(1, 31)))
    bench.add(first)
    bench.step()
    bench.scheduler.release(first)
    again = sequence(2, [*range(1, 31), ANSWER, 40, 41])
    bench.add(again)
    assert shape(bench.step()) == [(2, 3)]
    assert again.reused == 30


def test_nothing_is_kept_of_a_request_that_does_not_want_it() -> None:
    bench = Bench()
    first = sequence(1, list(range(1, 31)), cache_prompt=False)
    bench.add(first)
    bench.step()
    bench.scheduler.release(first)
    assert bench.kv.used == 0


def test_sequences_with_other_adapters_decode_in_turns_and_share_nothing() -> None:
    bench = Bench(replace(LIMITS, parallel=3, slots=6))
    prompt = list(range(1, 21))
    plain, adapted = sequence(1, prompt), sequence(2, prompt, space=(("pirate", 1.0),))
    bench.add(plain, adapted)
    order = [shape(bench.step())[0][0] for _ in range(6)]
    assert sorted(order[:2]) == [1, 2]
    assert order[:2] * 3 == order
    assert adapted.reused == plain.reused == 0


def test_drafts_are_dropped_before_anybody_is_preempted() -> None:
    bench = Bench(replace(LIMITS, kv_tokens=32, batch=32))
    one = sequence(1, 28)
    bench.add(one)
    bench.step()

    def draft(decoding: list[Sequence], rows: int) -> None:
        assert rows == 1
        decoding[0].draft = [5] * 8

    plan = bench.scheduler.plan(0.0, draft)
    assert [chunk.count for chunk in plan.chunks] == [1]


def test_drafted_tokens_are_decoded_behind_the_last_one() -> None:
    bench = Bench()
    one = sequence(1, 8)
    bench.add(one)
    bench.step()

    def draft(decoding: list[Sequence], rows: int) -> None:
        decoding[0].draft = [5, 6]

    plan = bench.scheduler.plan(0.0, draft)
    assert (plan.decoding, plan.chunks[0].count) == (3, 3)


@pytest.mark.parametrize("cuts", [True, False])
def test_a_recurrent_model_goes_on_from_its_checkpoints(cuts: bool) -> None:
    bench = Bench(cuts=cuts)
    bench.add(sequence(1, list(range(1, 41))))
    bench.steps()
    other = sequence(2, [*range(1, 36), 99])
    bench.add(other)
    bench.step()
    assert other.reused == (35 if cuts else 32)


@pytest.mark.parametrize(("cuts", "reused"), [(True, 40), (False, 36)])
def test_a_prompt_that_extends_that_of_a_running_answer_shares_it(cuts: bool, reused: int) -> None:
    bench = Bench(cuts=cuts)
    bench.add(sequence(1, list(range(1, 41))))
    for _ in range(6):
        bench.step()
    other = sequence(2, [*range(1, 41), 50, 51])
    bench.add(other)
    for _ in range(3):
        bench.step()
    assert bench.running() == [1, 2]
    assert other.reused == reused


@dataclass(frozen=True)
class Wish:
    """A request of the property test below, which comes `after` steps behind the one before;
    `extends`: its prompt begins like that one's.
    """

    after: int
    prompt: list[int]
    extends: bool
    answer: int
    cached: bool
    adapted: bool
    leaves: int


a_wish = st.builds(
    Wish,
    st.integers(0, 20),
    st.lists(st.integers(1, 3), min_size=1, max_size=75),
    st.booleans(),
    st.integers(1, 40),
    st.booleans(),
    st.booleans(),
    st.integers(0, 60),
)


def sequences(wishes: list[Wish]) -> deque[tuple[int, Sequence]]:
    """Return the steps at which sequences come, and these."""
    made, step, prompt = deque[tuple[int, Sequence]](), 0, list[int]()
    for request, wish in enumerate(wishes):
        step += wish.after
        prompt = [*(prompt if wish.extends else []), *wish.prompt][:150]
        space = (("a", 1.0),) if wish.adapted else ()
        made.append((step, sequence(request, prompt, cache_prompt=wish.cached, space=space)))
    return made


@given(
    st.lists(a_wish, min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(1, 40),
    st.booleans(),
)
def test_every_request_ends_reads_its_own_tokens_and_the_cache_never_overflows(
    wishes: list[Wish], parallel: int, chunk: int, cuts: bool
) -> None:
    limits = Limits(
        parallel=parallel,
        slots=parallel + 3,
        kv_tokens=200,
        batch=48,
        prefill_chunk=chunk,
        max_queue=100,
    )
    bench = Bench(limits, cuts=cuts)
    scheduler, coming = bench.scheduler, sequences(wishes)
    for step in range(20_000):
        while coming and (scheduler.idle or coming[0][0] <= step):
            bench.add(coming.popleft()[1])
        if scheduler.idle:
            break
        assert bench.step().chunks, "a step without work would loop for ever"
        assert bench.kv.used == scheduler.cache.used(scheduler.attached)
        assert len(scheduler.running) <= parallel
        for running in list(scheduler.running):
            wish = wishes[running.id]
            if running.generated >= wish.answer or step == wish.leaves + 50:
                scheduler.release(running)
    assert scheduler.idle
    scheduler.cache.forget()
    assert bench.kv.used == scheduler.cache.tree.cells == 0


def test_an_idle_hour_does_not_make_the_next_wait_long() -> None:
    bench = Bench(replace(LIMITS, parallel=1))
    bench.add(sequence(1, 4))
    bench.scheduler.plan(0.0)
    bench.scheduler.release(bench.scheduler.running[0])
    bench.add(sequence(2, 4))
    bench.scheduler.plan(3600.0)
    bench.add(sequence(3, 4))
    assert bench.scheduler.wait(0, 3602.0) == 2.0
    bench.scheduler.release(bench.scheduler.running[0])


def test_beside_a_stream_short_prompts_are_read_at_once_and_long_ones_at_a_pace() -> None:
    bench = Bench(replace(LIMITS, parallel=3, slots=6))
    bench.add(sequence(1, 4))
    bench.step()
    bench.scheduler.pace.observe(1, 0, 0.01)
    bench.scheduler.pace.observe(0, 1, 0.005)
    bench.add(sequence(2, 40), sequence(3, 7))
    plan = bench.step()
    assert sorted(shape(plan)) == [(1, 1), (2, 3), (3, 7)]
    # what reading a short prompt costs tells nothing about the pace of long ones
    assert not plan.paced
    assert bench.step().paced


def test_a_plan_stands_until_something_changes() -> None:
    bench = Bench(replace(LIMITS, parallel=3, slots=6))
    bench.add(sequence(1, 4), sequence(2, 4))
    bench.step()
    plan = bench.step()
    assert shape(plan) == [(1, 1), (2, 1)]
    assert bench.step() is plan
    bench.add(sequence(3, 4))
    joined = bench.step()
    assert shape(joined) == [(1, 1), (2, 1), (3, 4)]
    plan = bench.step()
    assert bench.step() is plan
    bench.scheduler.release(bench.scheduler.running[0])
    assert shape(bench.step()) == [(2, 1), (3, 1)]


def test_a_standing_plan_never_outgrows_the_cache() -> None:
    bench = Bench(replace(LIMITS, kv_tokens=40))
    bench.add(sequence(1, 10), sequence(2, 10))
    for _ in range(25):
        bench.step()
        assert bench.kv.used <= 40
    assert bench.running() == [1]


def test_a_step_has_the_rows_and_cells_to_spare_that_limits_leave() -> None:
    bench = Bench()
    bench.add(sequence(1, 30))
    plan = bench.scheduler.plan(0.0)
    assert bench.scheduler.free(plan) == LIMITS.largest - 30
    bench = Bench(replace(LIMITS, kv_tokens=31))
    bench.add(sequence(1, 30))
    assert bench.scheduler.free(bench.scheduler.plan(0.0)) == 1
