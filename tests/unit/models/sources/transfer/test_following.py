"""The digest behind the bytes, and what it finds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.models.sources.transfer import following
from llmd.models.sources.transfer.faults import Changed
from llmd.models.sources.transfer.following import Follower
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Partial

PIECE = 1000
CONTENT = bytes(range(256)) * 20  # five pieces and a bit
WHOLE = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PIECE", PIECE)


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    with Partial(tmp_path / "m", Identity(len(CONTENT), WHOLE)) as partial:
        yield partial


def put(partial: Partial, start: int, end: int, content: bytes = CONTENT) -> None:
    partial.write(start, memoryview(content[start:end]))


def followed(partial: Partial) -> tuple[str, int]:
    """Follow to the end; bring again what is found damaged; return digest and damaged pieces."""
    follower = Follower(partial)
    try:
        while not (digest := follower.digest):
            for start, end in partial.gaps():
                put(partial, start, end)
            follower.advance()
            time.sleep(0.001)
        return digest, follower.damaged
    finally:
        follower.close()


def test_bytes_out_of_order_are_hashed_in_order(partial: Partial) -> None:
    follower = Follower(partial)
    for start in (3000, 1000, 0, 4000, 2000):
        put(partial, start, start + 1000)
        follower.advance()
    put(partial, 5000, len(CONTENT))
    follower.close()
    assert followed(partial) == (WHOLE, 0)


def test_every_piece_leaves_a_mark(partial: Partial) -> None:
    put(partial, 0, len(CONTENT))
    followed(partial)
    assert sorted(partial.marks()) == [1000, 2000, 3000, 4000, 5000, len(CONTENT)]
    assert partial.marks()[2000] == hashlib.sha256(CONTENT[:2000]).hexdigest()


@pytest.mark.parametrize("places", [[0], [2500], [len(CONTENT) - 1], [1500, 4500]])
def test_only_damaged_pieces_come_again(partial: Partial, places: list[int]) -> None:
    put(partial, 0, len(CONTENT))
    followed(partial)
    damaged = bytearray(CONTENT)
    for place in places:
        damaged[place] ^= 1
    partial.write(0, memoryview(damaged))
    lost: list[tuple[int, int]] = []
    lose = partial.lose
    partial.lose = lambda start, end: (lost.append((start, end)), lose(start, end))[1]  # type: ignore[method-assign]
    assert followed(partial) == (WHOLE, len(places))
    starts = [place // PIECE * PIECE for place in places]
    assert lost == [(start, min(start + PIECE, len(CONTENT))) for start in starts]


def test_a_piece_that_stays_another_means_another_file(partial: Partial) -> None:
    put(partial, 0, len(CONTENT))
    partial.mark(1000, "00" * 32)
    with pytest.raises(Changed):
        followed(partial)


def test_resetting_forgets_what_was_hashed(partial: Partial) -> None:
    put(partial, 0, 3000, bytes(6000))
    follower = Follower(partial)
    while follower.position < 3000:
        time.sleep(0.001)
    follower.reset()
    assert partial.done == 0
    follower.close()
    assert followed(partial) == (WHOLE, 0)


def test_a_file_that_shrinks_under_it_is_reported(partial: Partial) -> None:
    put(partial, 0, len(CONTENT))
    partial.path.write_bytes(b"")
    with pytest.raises(Exception, match="shorter"):
        followed(partial)
