from __future__ import annotations

import numpy as np

from llmd.engine.cache_files.snapshot import Checkpoint, Snapshot
from llmd.engine.prefix_shelf import PrefixShelf


def snapshot(*tokens: int, size: int = 100, floor: int = 0) -> Snapshot:
    return Snapshot(tokens, len(tokens), np.zeros(size, np.uint8), floor)


def best(shelf: PrefixShelf, *tokens: int, key: str = "", room: int = 99) -> int:
    found = shelf.best(list(tokens), key, beyond=0, room=room)
    return found[1] if found else 0


def test_the_snapshot_that_saves_most_is_found() -> None:
    shelf = PrefixShelf(1000)
    shelf.put(snapshot(1, 2, 3), "", saved=False)
    shelf.put(snapshot(1, 2, 9, 9), "", saved=False)
    assert best(shelf, 1, 2, 9, 5) == 3
    assert best(shelf, 7) == 0
    assert best(shelf, 1, 2, 3, key="pirate") == 0
    assert best(shelf, 1, 2, 9, 9, room=3) == 2
    assert shelf.best([1, 2, 3], "", beyond=3, room=99) is None


def test_a_longer_one_takes_the_place_of_its_beginning() -> None:
    shelf = PrefixShelf(1000)
    shelf.put(snapshot(1, 2), "", saved=False)
    shelf.put(snapshot(1, 2, 3), "", saved=False)
    assert (len(shelf), shelf.bytes) == (1, 100)


def test_a_state_that_cannot_be_cut_does_not_stand_in_for_a_shorter_one() -> None:
    shelf = PrefixShelf(1000)
    shelf.put(snapshot(1, 2, floor=2), "", saved=False)
    shelf.put(snapshot(1, 2, 3, floor=3), "", saved=False)
    assert best(shelf, 1, 2, 5) == 2
    point = Checkpoint(2, np.zeros(1, np.uint8))
    shelf.put(Snapshot((1, 2, 4), 3, np.zeros(1, np.uint8), 3, (point,)), "", saved=False)
    assert len(shelf) == 2


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    shelf = PrefixShelf(250)
    for first in range(2):
        shelf.put(snapshot(first, 5), "", saved=False)
    assert best(shelf, 0, 5) == 2
    shelf.put(snapshot(7, 5), "", saved=False)
    assert (best(shelf, 0, 5), best(shelf, 1, 5), best(shelf, 7, 5)) == (2, 0, 2)
    assert shelf.bytes == 200
    shelf.put(snapshot(8, 8, size=10_000), "", saved=False)
    assert best(shelf, 8, 8) == 0


def test_each_is_given_to_the_disk_once() -> None:
    shelf = PrefixShelf(1000)
    shelf.put(snapshot(1), "", saved=False)
    shelf.put(snapshot(2), "", saved=True)
    shelf.put(snapshot(3), "pirate", saved=False)
    assert shelf.pending
    first = shelf.unsaved("")
    assert first
    assert first.tokens == (1,)
    assert shelf.unsaved("") is None
    assert not shelf.pending


def test_shrinking_gives_up_what_was_used_longest_ago() -> None:
    shelf = PrefixShelf(1000)
    shelf.put(snapshot(1, 2, 3), "", saved=False)
    shelf.put(snapshot(4, 5, 6), "", saved=False)
    assert shelf.shrink(1) == 100
    assert (best(shelf, 1, 2, 3), best(shelf, 4, 5, 6)) == (0, 3)
    assert shelf.shrink(10_000) == 100
    assert (shelf.shrink(1), shelf.bytes, shelf.pending) == (0, 0, False)


def test_a_text_is_covered_by_itself_and_by_what_goes_on_from_it() -> None:
    shelf = PrefixShelf(1000)
    assert not shelf.covers([1], "")
    shelf.put(snapshot(1, 2, 3), "", saved=False)
    assert shelf.covers([1, 2, 3], "")
    assert shelf.covers([1, 2], "")
    assert not shelf.covers([1, 2, 3, 4], "")
    assert not shelf.covers([1, 2, 3], "pirate")
    shelf.put(snapshot(5, 6, 7, floor=3), "", saved=False)
    assert not shelf.covers([5, 6], "")
