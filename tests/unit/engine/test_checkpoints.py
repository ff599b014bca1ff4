from __future__ import annotations

import numpy as np

from llmd.engine.bindings.library import Bytes
from llmd.engine.checkpoints import Checkpoints


def state(size: int = 100) -> Bytes:
    return np.zeros(size, np.uint8)


def test_a_sequence_finds_the_longest_that_is_short_enough() -> None:
    kept = Checkpoints(1000)
    states = {length: state() for length in (10, 20, 30)}
    for length, saved in states.items():
        kept.put(1, length, saved)
    assert [kept.longest(1, most) for most in (9, 10, 25, 99)] == [0, 10, 20, 30]
    assert kept.longest(2, 99) == 0
    assert kept.get(1, 20) is states[20]
    assert kept.get(1, 21) is None


def test_what_begins_alike_inherits_what_it_has_in_common() -> None:
    kept = Checkpoints(1000)
    for length in (10, 20, 30):
        kept.put(1, length, state())
    kept.inherit(1, 2, 20)
    assert sorted(kept.of(2)) == [10, 20]
    kept.forget(1)
    assert kept.of(1) == {}
    assert sorted(kept.of(2)) == [10, 20]


def test_states_behind_a_length_are_forgotten() -> None:
    kept = Checkpoints(1000)
    for length in (10, 20, 30):
        kept.put(1, length, state())
    kept.forget(1, 20)
    assert sorted(kept.of(1)) == [10, 20]


def test_the_oldest_go_first_and_one_stays_however_large() -> None:
    kept = Checkpoints(250)
    for length in (10, 20, 30):
        kept.put(1, length, state())
    assert sorted(kept.of(1)) == [20, 30]
    kept.put(2, 40, state(5000))
    assert kept.of(1) == {}
    assert sorted(kept.of(2)) == [40]


def test_what_sequences_share_counts_once() -> None:
    kept = Checkpoints(250)
    kept.put(1, 10, state())
    for target in range(2, 9):
        kept.inherit(1, target, 10)
    kept.put(9, 10, state())
    assert all(kept.of(holder) for holder in range(1, 10))
