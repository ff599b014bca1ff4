"""The cache of embeddings: what it keeps, and what it knows of what it no longer keeps."""

from __future__ import annotations

import threading

import numpy as np

from llmd.engine.media_cache import EmbeddingCache, Encoded


def encoded(name: bytes, cells: int = 10, height: int = 8) -> Encoded:
    """Return something of 40 bytes a cell."""
    return Encoded(name, 8, height, (np.zeros((cells, 10), np.float32),))


def test_the_least_recently_used_goes_first() -> None:
    cache = EmbeddingCache(1200)
    for name in (b"a", b"b", b"c"):
        cache.put(encoded(name))
    assert cache.get(b"a")
    cache.put(encoded(b"d"))
    assert cache.get(b"b") is None
    assert all(cache.get(name) for name in (b"a", b"c", b"d"))
    assert cache.kept == 1200


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = EmbeddingCache(1000)
    cache.put(encoded(b"small"))
    cache.put(encoded(b"large", 100))
    assert cache.get(b"large") is None
    assert cache.kept == 0
    EmbeddingCache(0).put(encoded(b"any"))


def test_what_requests_hold_counts_until_they_let_go() -> None:
    cache = EmbeddingCache(400)
    first = encoded(b"first")
    cache.put(first)
    assert (cache.kept, cache.held) == (400, 0)
    cache.put(encoded(b"second"))
    assert (cache.kept, cache.held) == (400, 400)
    del first
    assert (cache.kept, cache.held) == (400, 0)


def test_the_next_request_waits_for_those_that_hold_too_much() -> None:
    cache = EmbeddingCache(400)
    held = [encoded(bytes([number])) for number in range(3)]
    for each in held:
        cache.put(each)
    del each
    assert not cache.settled(0.01)
    timer = threading.Timer(0.05, held.clear)
    timer.start()
    assert cache.settled(30)
    timer.join()


def test_the_same_content_twice_is_counted_once() -> None:
    cache = EmbeddingCache(4000)
    cache.put(encoded(b"same"))
    cache.put(encoded(b"same"))
    assert cache.kept == 400
    assert cache.held == 0


def test_a_hollow_stand_in_has_the_size_of_the_picture() -> None:
    picture = encoded(b"p", height=6).hollow()
    assert picture.length == 8  # the width stands where sounds have their samples
    picture.close()


def test_shrinking_gives_up_what_was_used_longest_ago() -> None:
    cache = EmbeddingCache(1200)
    for name in (b"a", b"b", b"c"):
        cache.put(encoded(name))
    assert cache.shrink(1) == 400
    assert cache.get(b"a") is None
    assert cache.shrink(10_000) == 800
    assert (cache.kept, cache.shrink(1)) == (0, 0)
