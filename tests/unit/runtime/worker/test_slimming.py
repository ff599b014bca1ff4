from __future__ import annotations

from llmd.runtime.worker.slimming import slim


class Cache:
    def __init__(self, held: int) -> None:
        self.held = held

    def shrink(self, size: int) -> int:
        given = min(size, self.held)
        self.held -= given
        return given


def test_the_first_cache_gives_first_and_the_next_only_what_is_still_missing() -> None:
    shelf, media, other = Cache(30), Cache(30), Cache(30)
    assert slim([shelf, None, media, other], 40) == 40
    assert [cache.held for cache in (shelf, media, other)] == [0, 20, 30]


def test_no_more_is_given_than_there_is() -> None:
    assert slim([Cache(5), None], 100) == 5
    assert slim([], 100) == 0
