"""Disk use and clearing up, over a real store."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from llmd.models.integrity.litter import GRACE
from llmd.protocol.integrity import Litter
from llmd.services.upkeep import Upkeep
from tests.fakes.gguf import write
from tests.unit.services.conftest import Bench


def old(path: Path, size: int = 20_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    long_ago = time.time() - 100 * GRACE
    os.utime(path, (long_ago, long_ago))
    return path


async def test_what_the_disk_holds_adds_up(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "models" / "web").mkdir(parents=True)
    own = write(tmp_path / "models" / "web" / "own.gguf")
    bench.store.register(own, "own", "https://host/own.gguf", owned=True)
    bench.store.copy("own", "second")
    old(bench.paths.prefixes_dir / "a" / "x")
    old(bench.paths.log_file)
    old(tmp_path / "hub" / "models--a--b" / "blobs" / "x.llmd.incomplete")
    use = await bench.services.upkeep.usage()
    rows = {row.name: row for row in use.models}
    size = own.stat().st_blocks * 512
    assert rows["own"].size == rows["second"].size == rows["own"].shared == use.owned == size
    assert use.foreign == rows["llmd-tiny"].size
    assert use.prefixes == use.logs == use.partial == 20_480
    assert use.total == use.owned + use.prefixes + use.logs + use.partial + use.records
    assert use.records > 0
    assert use.garbage == 0
    assert use.free > 0


@pytest.fixture
def upkeep(bench: Bench) -> Upkeep:
    """Upkeep a day from now."""
    return Upkeep(bench.store, bench.paths, [], clock=lambda: time.time() + 86_400)


async def test_clearing_up_frees_what_it_said_it_would(
    bench: Bench, upkeep: Upkeep, tmp_path: Path
) -> None:
    orphan = old(tmp_path / "models" / "blobs" / "sha256-x")
    assert (await bench.services.upkeep.clear(dry=False)).pieces == [], "it may be used yet"
    kept = old(tmp_path / "models" / "blobs" / "fresh")
    bench.store.register(write(kept), "m")
    dry = await upkeep.clear(dry=True)
    assert dry.dry
    assert [(piece.path, piece.why) for piece in dry.pieces] == [(str(orphan), Litter.ORPHAN)]
    assert orphan.exists()
    assert (await upkeep.usage()).garbage == dry.freed
    done = await upkeep.clear(dry=False)
    assert done.freed == dry.freed == 20_480
    assert not orphan.exists()
    assert kept.exists()
    assert (await upkeep.clear(dry=False)).freed == 0


async def test_a_damaged_record_keeps_its_files_from_being_cleared(
    upkeep: Upkeep, tmp_path: Path
) -> None:
    orphan = old(tmp_path / "models" / "blobs" / "whose")
    old(tmp_path / "models" / ".writing-1")
    (tmp_path / "models" / "damaged.json").write_text("{")
    cleared = await upkeep.clear(dry=False)
    assert [piece.why for piece in cleared.pieces] == [Litter.TEMPORARY]
    assert orphan.exists()
    (held,) = cleared.held
    assert "damaged.json" in held
    assert held.startswith("1 files stay")


async def test_the_room_on_the_disk_is_known_also_before_the_folder_is_there(
    bench: Bench, upkeep: Upkeep
) -> None:
    room = await upkeep.room()
    assert 0 < room.free <= room.total
