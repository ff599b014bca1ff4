"""Snapshots made of random bytes, and a store in a temporary directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.cache_files import Bounds, CacheFiles, Checkpoint, Snapshot

FINGERPRINT = "0123456789abcdef" * 2
BOUNDS = Bounds(disk=1 << 30, spare=0)
MakeStore = Callable[..., CacheFiles]


def noise(size: int, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


def snapshot(
    tokens: range | list[int] | tuple[int, ...],
    size: int = 1000,
    floor: int = 0,
    checkpoints: tuple[int, ...] = (),
) -> Snapshot:
    """A snapshot whose states are noise that depends on what they stand for."""
    points = tuple(Checkpoint(at, noise(size // 10, at)) for at in checkpoints)
    return Snapshot(tuple(tokens), len(tokens), noise(size, len(tokens)), floor, points)


def same(first: Snapshot | None, second: Snapshot) -> bool:
    """Whether two snapshots are equal to the last byte."""
    return (
        first is not None
        and (first.tokens, first.positions, first.floor)
        == (second.tokens, second.positions, second.floor)
        and np.array_equal(first.state, second.state)
        and [point.length for point in first.checkpoints]
        == [point.length for point in second.checkpoints]
        and all(
            np.array_equal(one.state, two.state)
            for one, two in zip(first.checkpoints, second.checkpoints, strict=True)
        )
    )


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def open_store(tmp_path: Path, complaints: list[str]) -> MakeStore:
    """Return a function that opens the directory as another worker would."""

    def build(fingerprint: str = FINGERPRINT, bounds: Bounds = BOUNDS) -> CacheFiles:
        return CacheFiles(tmp_path / "prefixes", fingerprint, bounds, complaints.append)

    return build


@pytest.fixture
def store(open_store: MakeStore) -> CacheFiles:
    return open_store()
