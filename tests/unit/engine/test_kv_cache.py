from __future__ import annotations

import pytest

from llmd.engine.kv_cache import KVCache, Reuse
from llmd.engine.memory import AttentionMemory
from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from tests.fakes.kv import FakeKV


def sequence(request: int, tokens: list[int], **fields: object) -> Sequence:
    made = Sequence(request, tokens, GreedySampler(), TextStream(), Timing(0.0), max_tokens=9)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


class Bench:
    """A cache whose sequences are read at once."""

    def __init__(self, cells: int = 1000, slots: int = 4, *, cuts: bool = True) -> None:
        self.kv = FakeKV(cells, cuts=cuts)
        self.cache = KVCache(cells, slots, self.kv.memory)

    def read(self, one: Sequence) -> Sequence:
        """Attach a sequence and read its whole prompt."""
        self.cache.attach(one, self.cache.reuse(one))
        self.compute(one, len(one.tokens))
        return one

    def compute(self, one: Sequence, length: int) -> None:
        self.kv.compute(one.slot, one.tokens[one.cached : length])
        one.cached = length
        self.cache.read(one, stop=False)

    def parked(self, request: int, tokens: list[int], **fields: object) -> Sequence:
        one = self.read(sequence(request, tokens, **fields))
        self.cache.release(one)
        return one


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_extended_text_takes_over_what_was_parked(bench: Bench) -> None:
    bench.parked(1, list(range(20)))
    one = bench.read(sequence(2, [*range(20), 50, 51]))
    assert (one.reused, bench.kv.shares) == (20, 0)
    assert not bench.cache.tree.parked


def test_a_fork_shares_cells_and_leaves_the_original(bench: Bench) -> None:
    bench.parked(1, list(range(600)))
    one = bench.read(sequence(2, [*range(300), 900, 901]))
    assert (one.reused, bench.kv.shares) == (300, 1)
    assert bench.cache.used([one]) == bench.kv.used == 602


def test_the_last_token_of_a_prompt_is_always_left_to_decode(bench: Bench) -> None:
    bench.parked(1, list(range(20)))
    again = sequence(2, list(range(20)))
    assert bench.cache.reuse(again).length == 19


def test_a_single_token_is_not_worth_sharing(bench: Bench) -> None:
    bench.parked(1, list(range(20)))
    assert bench.cache.reuse(sequence(2, [0, 99, 98])) == Reuse()
    assert bench.cache.reuse(sequence(3, [0, 1, 99, 98])).length == 2


def test_shifted_sequences_are_not_kept(bench: Bench) -> None:
    bench.parked(1, list(range(20)), shifted=True)
    assert bench.kv.used == bench.cache.tree.cells == 0


def test_a_prompt_stops_where_it_leaves_one_that_it_could_not_go_on_from() -> None:
    bench = Bench(cuts=False)
    bench.parked(1, list(range(200)))
    near = bench.read(sequence(2, [*range(63), 901, 902]))
    far = bench.read(sequence(3, [*range(150), 901, 902]))
    assert (near.reused, near.stops) == (0, [])
    assert (far.reused, far.stops) == (0, [150])


def test_nothing_stops_where_any_prefix_can_be_gone_on_from(bench: Bench) -> None:
    bench.parked(1, list(range(200)))
    one = bench.read(sequence(2, [*range(150), 901, 902]))
    assert (one.reused, one.stops) == (150, [])


def test_prefixes_are_trimmed_from_their_end_when_cells_are_needed() -> None:
    bench = Bench(cells=1000)
    bench.parked(1, list(range(900)))
    assert bench.cache.reserve([], 150)
    assert bench.kv.tokens(next(iter(bench.cache.tree.parked))) == list(range(644))
    again = sequence(2, list(range(900)))
    bench.cache.attach(again, bench.cache.reuse(again))
    assert again.reused == 644
    assert again.miss
    assert again.miss.evicted > 150


class Windows(AttentionMemory):
    """Prefixes can be gone on from at multiples of 300."""

    def usable(self, holder: int, held: int, length: int) -> int:
        del holder
        return min(held, length) // 300 * 300


def test_what_is_left_of_a_trimmed_prefix_is_of_use() -> None:
    bench = Bench()
    bench.cache = KVCache(1000, 4, Windows(bench.kv.context))
    bench.parked(1, list(range(900)))
    assert bench.cache.reserve([], 350)
    assert bench.kv.tokens(next(iter(bench.cache.tree.parked))) == list(range(600))
    assert bench.cache.reserve([], 900)
    assert not bench.cache.tree.parked


def test_what_cannot_be_cut_goes_whole() -> None:
    bench = Bench(cells=1000, cuts=False)
    bench.parked(1, list(range(900)))
    assert bench.cache.reserve([], 150)
    assert bench.kv.used == 0


def test_cells_that_running_sequences_need_are_not_freed(bench: Bench) -> None:
    one = bench.read(sequence(1, list(range(900))))
    assert not bench.cache.reserve([one], 200)
    assert bench.kv.used == 900


def test_slots_run_out_at_the_expense_of_the_least_used_prefix() -> None:
    bench = Bench(cells=2000, slots=3)
    for request in range(3):
        bench.parked(request, [1000 * request + at for at in range(300)])
    bench.parked(9, [9000 + at for at in range(300)])
    held = [bench.cache.tree.tokens(slot)[0] for slot in bench.cache.tree.parked]
    assert sorted(held) == [1000, 2000, 9000]


def test_a_first_prompt_misses_because_the_cache_is_cold(bench: Bench) -> None:
    one = bench.read(sequence(1, list(range(20))))
    assert one.miss
    assert one.miss.cold


def test_a_changed_prompt_misses_where_it_changed(bench: Bench) -> None:
    bench.parked(1, list(range(100)))
    one = bench.read(sequence(2, [*range(60), 777, *range(61, 100)]))
    assert one.miss
    assert (one.miss.position, one.miss.other[:2]) == (60, [60, 61])


def test_a_prompt_that_goes_on_misses_nothing(bench: Bench) -> None:
    bench.parked(1, list(range(100)))
    assert bench.read(sequence(2, list(range(140)))).miss is None


def test_a_prefix_from_elsewhere_is_parked_and_found(bench: Bench) -> None:
    slot = bench.cache.adopt((), list(range(50)))
    assert slot is not None
    bench.kv.compute(slot, list(range(50)))
    assert bench.cache.reuse(sequence(1, list(range(60)))) == Reuse(slot, 50)
    bench.cache.discard(slot)
    assert bench.cache.reuse(sequence(1, list(range(60)))) == Reuse()


def test_a_prefix_that_is_there_already_is_not_adopted(bench: Bench) -> None:
    bench.parked(1, list(range(60)))
    assert bench.cache.adopt((), list(range(50))) is None
    assert bench.cache.spare_slot() is not None


def test_leaving_the_tree_tells_how_much_others_share(bench: Bench) -> None:
    one = bench.read(sequence(1, list(range(50))))
    assert bench.cache.leave_tree(one) == 0
    two, three = (sequence(request, [*range(60, 90), request]) for request in (2, 3))
    bench.read(two)
    bench.read(three)
    assert bench.cache.leave_tree(three) == 30
    assert bench.cache.tree.length(three.slot) == 0
    assert bench.cache.leave_tree(two) == 0


def test_parked_prefixes_do_not_slow_down_those_who_run() -> None:
    bench = Bench(cells=5000, slots=9)
    kept: list[list[int]] = []
    bench.cache.keep = lambda slot: kept.append(bench.cache.tree.tokens(slot))
    for request in range(7):
        bench.parked(request, [1000 * request + at for at in range(400)])
    runner = bench.read(sequence(9, list(range(9000, 9100))))
    assert bench.cache.spare(frozenset({runner.slot})) <= 2048
    # what had to go was copied elsewhere first
    assert [(tokens[0], len(tokens)) for tokens in kept] == [(0, 400), (1000, 400)]


def test_short_prefixes_do_not_stay_beside_those_who_run(bench: Bench) -> None:
    bench.parked(1, list(range(60)))
    assert bench.cache.tree.parked
    bench.read(sequence(2, list(range(500, 560))))
    assert not bench.cache.tree.parked


def test_short_prefixes_are_in_the_way_of_the_next_request(bench: Bench) -> None:
    bench.parked(1, list(range(300)))
    short = bench.parked(2, list(range(1000, 1100)))
    assert not short.cached
    [passing] = bench.cache.passing()
    assert bench.cache.tree.tokens(passing) == list(range(1000, 1100))
    assert Bench(cuts=False).cache.passing() == []
