"""Saving, finding and loading snapshots, whatever becomes of the directory."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from llmd.engine.cache_files import Bounds, CacheFiles, Found
from llmd.engine.cache_files import store as store_module
from tests.unit.engine.cache_files.conftest import BOUNDS, MakeStore, noise, same, snapshot

OTHER_MODEL = "fedcba9876543210" * 2


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "prefixes").iterdir())


def loaded_length(store: CacheFiles, tokens: range | list[int]) -> int:
    """Return how many tokens a prompt is spared, the file read and all."""
    found = store.best(tokens)
    return found.length if found and store.load(found) else 0


def test_a_snapshot_is_found_by_texts_that_begin_like_it(store: CacheFiles) -> None:
    shot = snapshot(range(100))
    assert store.save(shot)
    for tokens, length in ((range(200), 100), (range(60), 60), ([*range(40), 7, 7], 40)):
        found = store.best(list(tokens))
        assert found
        assert found.length == length
        assert same(store.load(found), shot)
    assert store.best([5, 6]) is None
    assert store.best([]) is None
    assert store.best(range(200), beyond=99)
    assert store.best(range(200), beyond=100) is None
    assert store.best(range(200), room=100)
    assert store.best(range(200), room=99) is None


def test_what_is_saved_outlives_the_store(store: CacheFiles, open_store: MakeStore) -> None:
    shot = snapshot(range(100), 5000, 100, (40, 70))
    store.save(shot)
    other = open_store()
    found = other.best([*range(80), 0])
    assert found
    assert found.length == 70
    assert same(other.load(found), shot)


def test_other_models_and_adapters_find_nothing(store: CacheFiles, open_store: MakeStore) -> None:
    store.save(snapshot(range(100)), "style.gguf:0.5")
    assert store.best(range(100)) is None
    assert store.best(range(100), "style.gguf:0.6") is None
    assert store.best(range(100), "style.gguf:0.5")
    assert open_store(OTHER_MODEL).best(range(100), "style.gguf:0.5") is None
    # the same first sixteen digits, by chance: the header knows better
    assert open_store("0123456789abcdef" * 1 + "f" * 16).best(range(100), "style.gguf:0.5") is None


def test_the_same_text_with_two_adapters_makes_two_files(store: CacheFiles, tmp_path: Path) -> None:
    long_name = "x" * 100
    for adapters in (long_name + "a", long_name + "b", ""):
        assert store.save(snapshot(range(9)), adapters)
    assert len(files(tmp_path)) == 3


def test_a_longer_snapshot_takes_the_place_of_its_prefixes(
    store: CacheFiles, tmp_path: Path
) -> None:
    store.save(snapshot(range(50)))
    store.save(snapshot(range(70)))
    store.save(snapshot([1, 2, 3]))
    assert len(files(tmp_path)) == 2
    assert loaded_length(store, range(60)) == 60


def test_a_state_that_a_longer_one_cannot_be_cut_to_stays(
    store: CacheFiles, tmp_path: Path
) -> None:
    store.save(snapshot(range(50), floor=50))
    store.save(snapshot(range(70), floor=70))
    assert len(files(tmp_path)) == 2
    assert loaded_length(store, range(60)) == 50
    store.save(snapshot(range(90), floor=90, checkpoints=(50, 70)))
    assert len(files(tmp_path)) == 1
    assert loaded_length(store, range(60)) == 50


def test_what_is_there_already_is_not_written_again(store: CacheFiles, tmp_path: Path) -> None:
    store.save(snapshot(range(70)))
    before = files(tmp_path)[0].stat()
    assert store.save(snapshot(range(70)))
    assert store.save(snapshot(range(30)))
    after = files(tmp_path)[0].stat()
    assert len(files(tmp_path)) == 1
    assert after.st_ino == before.st_ino
    assert after.st_mtime_ns > before.st_mtime_ns


def test_the_least_used_go_when_the_bound_is_reached(open_store: MakeStore, tmp_path: Path) -> None:
    store = open_store(bounds=replace(BOUNDS, disk=50_000))
    for start in (1000, 2000, 3000):
        store.save(snapshot(range(start, start + 10), 15_000))
    used = store.best(range(1000, 1010))
    assert used
    assert store.load(used)
    store.save(snapshot(range(4000, 4010), 15_000))
    kept = [start for start in (1000, 2000, 3000, 4000) if store.best(range(start, start + 10))]
    assert kept == [1000, 3000, 4000]
    assert sum(file.stat().st_size for file in files(tmp_path)) <= 50_000


def test_files_of_models_that_are_gone_make_room(open_store: MakeStore, tmp_path: Path) -> None:
    old = open_store(OTHER_MODEL)
    for start in (1000, 2000):
        old.save(snapshot(range(start, start + 10), 20_000))
    for file in files(tmp_path):
        os.utime(file, ns=(1, 1))
    store = open_store(bounds=replace(BOUNDS, disk=50_000))
    store.save(snapshot(range(10), 15_000))
    store.save(snapshot(range(3000, 3010), 30_000))
    assert len(files(tmp_path)) == 2
    assert loaded_length(store, range(10)) == 10


def test_a_snapshot_too_large_for_the_bound_is_not_saved(
    open_store: MakeStore, tmp_path: Path, complaints: list[str]
) -> None:
    store = open_store(bounds=replace(BOUNDS, disk=10_000))
    store.save(snapshot(range(10)))
    assert not store.save(snapshot(range(20, 30), 10_000))
    assert not store.save(snapshot(range(40, 50), 10_000))
    assert len(files(tmp_path)) == 1
    assert complaints == ["There is no room on the disk for warm prefixes."]


@pytest.mark.parametrize("at", [3, 60, 700, -3])
def test_a_damaged_file_is_removed_and_never_loaded(
    at: int, store: CacheFiles, open_store: MakeStore, tmp_path: Path, complaints: list[str]
) -> None:
    store.save(snapshot(range(40), 5000))
    found = store.best(range(40))
    assert found
    (file,) = files(tmp_path)
    data = bytearray(file.read_bytes())
    data[at] ^= 4
    file.write_bytes(data)
    other = open_store()
    assert store.load(found) is None
    assert files(tmp_path) == []
    assert len(complaints) == 1
    assert "cache file" in complaints[0]
    assert store.best(range(40)) is None
    assert other.best(range(40)) is None


def test_a_damaged_header_is_found_out_by_looking(
    store: CacheFiles, open_store: MakeStore, tmp_path: Path, complaints: list[str]
) -> None:
    store.save(snapshot(range(40)))
    store.save(snapshot([7, 8, 9]))
    for file in files(tmp_path)[:1]:
        file.write_bytes(file.read_bytes()[:100])
    other = open_store()
    assert bool(other.best(range(40))) != bool(other.best([7, 8, 9]))
    assert len(files(tmp_path)) == 1
    assert len(complaints) == 1


def test_a_file_that_another_worker_removed_is_a_miss(
    store: CacheFiles, tmp_path: Path, complaints: list[str]
) -> None:
    store.save(snapshot(range(40)))
    found = store.best(range(40))
    assert found
    files(tmp_path)[0].unlink()
    assert store.load(found) is None
    assert store.best(range(40)) is None
    assert store.save(snapshot(range(40)))
    assert loaded_length(store, range(40)) == 40
    assert complaints == []


def test_a_file_with_another_text_under_this_name_is_not_used(
    store: CacheFiles, tmp_path: Path
) -> None:
    store.save(snapshot(range(40)))
    store.save(snapshot([7, 8, 9]))
    first, second = store.best(range(40)), store.best([7, 8, 9])
    assert first
    assert second
    inside = tmp_path / "prefixes"
    (inside / first.entry.name).replace(inside / second.entry.name)
    assert store.load(second) is None


def test_two_workers_see_what_the_other_saves(store: CacheFiles, open_store: MakeStore) -> None:
    other = open_store()
    assert other.best(range(40)) is None
    store.save(snapshot(range(40)))
    assert loaded_length(other, range(40)) == 40
    other.save(snapshot(range(90)))
    assert loaded_length(store, range(90)) == 90


def test_many_threads_and_workers_get_right_answers(open_store: MakeStore) -> None:
    stores = [open_store(bounds=replace(BOUNDS, disk=60_000)) for _ in range(3)]
    start = threading.Barrier(6)

    def work(number: int) -> int:
        start.wait()
        loaded = 0
        for turn in range(25):
            length = 5 + (number + turn) % 20
            stores[number % 3].save(snapshot([number % 2, *range(length)], 4000))
            found = stores[(number + 1) % 3].best([turn % 2, *range(50)])
            shot = stores[(number + 1) % 3].load(found) if found else None
            if shot:
                assert np_equal(shot.state, len(shot.tokens))
                loaded += 1
        return loaded

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(work, range(6))) > 0


def np_equal(state: object, length: int) -> bool:
    return bytes(state) == bytes(noise(4000, length))  # type: ignore[call-overload]


def test_a_directory_that_cannot_be_made_is_a_warning(
    tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = CacheFiles(tmp_path / "file" / "prefixes", OTHER_MODEL, BOUNDS, complaints.append)
    assert not store.save(snapshot(range(9)))
    assert store.best(range(9)) is None
    assert complaints
    assert len(complaints) == len(set(complaints))


def test_a_full_disk_is_a_warning(
    store: CacheFiles, tmp_path: Path, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert not store.save(snapshot(range(9)))
    assert files(tmp_path) == []
    assert complaints == ["A warm prefix could not be saved: No space left on device"]
    monkeypatch.undo()
    assert store.save(snapshot(range(9)))


def test_a_file_that_cannot_be_read_is_a_miss(
    store: CacheFiles, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int, header: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store.save(snapshot(range(9)))
    found = store.best(range(9))
    assert found
    monkeypatch.setattr(store_module, "read_snapshot", broken)
    assert store.load(found) is None
    assert complaints == ["A warm prefix could not be read: Input/output error"]


def test_a_large_directory_is_looked_through_bit_by_bit(
    store: CacheFiles, open_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(0, 100, 10):
        store.save(snapshot([start, 1, 2]))
    ticks = iter(range(10**6))
    monkeypatch.setattr(store_module.time, "monotonic", lambda: next(ticks))
    other = open_store(bounds=replace(BOUNDS, seconds=4.0))
    looks = [other.best([0, 1, 2]) is not None for _ in range(4)]
    assert looks == [False, False, False, True]  # the file saved first was used longest ago


def test_the_texts_in_memory_are_bounded(open_store: MakeStore) -> None:
    bounds = Bounds(disk=1 << 30, spare=0, tokens=100)
    store = open_store(bounds=bounds)
    for start in range(1, 11):
        store.save(snapshot([start, *range(29)]))
    for each in (store, open_store(bounds=bounds)):
        known = [start for start in range(1, 11) if each.best([start, 0])]
        assert known == [7, 8, 9, 10]  # those used last, and one to go over the bound


def test_a_stale_answer_is_checked_again(store: CacheFiles) -> None:
    store.save(snapshot(range(40)))
    found = store.best(range(40))
    assert found
    elsewhere = Found(replace(found.entry, text=b"\0" * 8), 1)
    assert store.load(elsewhere) is None
