"""Downloads that nobody went on with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.models.leftovers import drop_abandoned, places, waiting
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Partial

NOW = 1_000_000_000.0
DAY = 86400.0


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with Partial(tmp_path / "web" / "m.gguf", Identity(10**6, "ab" * 32)) as partial:
        partial.write(0, memoryview(bytes(50_000)))
    for file in (tmp_path / "web").iterdir():
        os.utime(file, (NOW - 15 * DAY, NOW - 15 * DAY))
    return partial.path


def test_they_are_listed_with_their_bytes(old: Path, tmp_path: Path) -> None:
    (found,) = waiting([tmp_path])
    assert found.path == old
    assert found.size >= 50_000
    assert found.touched == NOW - 15 * DAY


def test_after_a_time_they_go_with_their_journal(old: Path, tmp_path: Path) -> None:
    assert drop_abandoned([tmp_path], NOW, 14 * DAY) >= 50_000
    assert list((tmp_path / "web").iterdir()) == []


@pytest.mark.parametrize("keep", [16 * DAY, -1.0])
def test_before_that_they_stay(old: Path, tmp_path: Path, keep: float) -> None:
    assert drop_abandoned([tmp_path], NOW, keep) == 0
    assert old.exists()


def test_one_that_is_worked_on_stays(old: Path, tmp_path: Path) -> None:
    with Partial(tmp_path / "web" / "m.gguf", Identity(10**6, "ab" * 32)) as partial:
        os.utime(partial.path, (NOW - 15 * DAY, NOW - 15 * DAY))
        drop_abandoned([tmp_path], NOW, DAY)
        assert old.exists()


def test_the_hubs_cache_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    found = places(tmp_path / "models", {"HF_HUB_CACHE": str(tmp_path / "hub")}, tmp_path)
    assert found[0] == tmp_path / "models"
    assert tmp_path / "hub" in found
