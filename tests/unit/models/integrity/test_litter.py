"""What can go: orphans, temporaries and abandoned downloads, and nothing else."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from llmd.models.integrity.litter import GRACE, delete, find
from llmd.models.sources.transfer import journal, partial
from llmd.protocol.integrity import Litter
from llmd.protocol.models import AdapterFile
from tests.fakes.manifests import make_manifest

# the system keeps the true time of a file's making, so that the future has to be looked from
NOW = time.time() + 10 * GRACE
KEEP = 86_400.0


def make(path: Path, age: float = 20 * GRACE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 5_000)
    os.utime(path, (NOW - age, NOW - age))
    return path


def found(tmp_path: Path, *used: Path, **fields: object) -> dict[str, Litter]:
    models = [make_manifest("m", files=[str(path) for path in used], **fields)]
    litter = find(tmp_path / "models", [tmp_path / "hub"], models, NOW, KEEP)
    return {one.path.name: one.why for one in litter}


def test_files_that_no_model_has_are_orphans(tmp_path: Path) -> None:
    used = make(tmp_path / "models" / "blobs" / "used")
    make(tmp_path / "models" / "blobs" / "orphan")
    linked = tmp_path / "models" / "linked" / "name"
    linked.parent.mkdir()
    os.link(used, linked)
    assert found(tmp_path, used) == {"orphan": Litter.ORPHAN}


def test_adapters_of_models_are_no_orphans(tmp_path: Path) -> None:
    lora = make(tmp_path / "models" / "blobs" / "lora")
    assert found(tmp_path, adapters=[AdapterFile("l", str(lora))]) == {}


def test_records_and_what_users_put_beside_them_stay(tmp_path: Path) -> None:
    make(tmp_path / "models" / "m.json")
    make(tmp_path / "models" / ".lock")
    make(tmp_path / "models" / "notes.txt")
    make(tmp_path / "models" / "blobs" / ".hidden")
    assert found(tmp_path) == {}


def test_finished_parts_stay_while_others_of_their_folder_are_being_written(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "quantized" / ".quantizing-1"
    make(folder / "part-1")
    part = make(folder / "part-2", age=GRACE / 2)
    assert found(tmp_path) == {}
    os.utime(part, (NOW - 2 * GRACE, NOW - 2 * GRACE))
    assert found(tmp_path) == {"part-1": Litter.TEMPORARY, "part-2": Litter.TEMPORARY}


def test_what_was_written_lately_stays(tmp_path: Path) -> None:
    make(tmp_path / "models" / "blobs" / "fresh", age=GRACE / 2)
    make(tmp_path / "models" / ".writing-1", age=GRACE / 2)
    assert found(tmp_path) == {}


def test_a_link_or_copy_with_an_old_date_was_made_lately_all_the_same(tmp_path: Path) -> None:
    make(tmp_path / "models" / "linked" / "name", age=1000 * GRACE)
    soon = time.time() + GRACE / 2
    assert find(tmp_path / "models", [], [], soon, KEEP) == []


def test_parts_that_wait_for_the_last_one_stay(tmp_path: Path) -> None:
    first = make(tmp_path / "models" / "web" / "m-00001-of-00002.gguf")
    second = make(tmp_path / "models" / "web" / f"m-00002-of-00002.gguf{partial.SUFFIX}", age=9)
    make(tmp_path / "models" / "blobs" / "orphan")
    assert set(found(tmp_path)) == {"orphan"}
    os.utime(second, (NOW - 2 * KEEP, NOW - 2 * KEEP))
    assert set(found(tmp_path)) == {"orphan", first.name, second.name}


def test_temporaries_of_killed_processes_go(tmp_path: Path) -> None:
    make(tmp_path / "models" / ".writing-abc")
    make(tmp_path / "models" / "quantized" / ".quantizing-x" / "part.gguf")
    make(tmp_path / "models" / "files" / ".keeping-1-m.gguf")
    assert set(found(tmp_path).values()) == {Litter.TEMPORARY}
    assert len(found(tmp_path)) == 3


def test_abandoned_downloads_go_after_their_time(tmp_path: Path) -> None:
    blobs = tmp_path / "hub" / "models--a--b" / "blobs"
    old, new = f"old{partial.SUFFIX}", f"new{partial.SUFFIX}"
    make(blobs / old, age=2 * KEEP)
    make(blobs / f"old{journal.SUFFIX}", age=2 * KEEP)
    make(blobs / new, age=KEEP / 2)
    make(blobs / "theirs.incomplete", age=9 * KEEP)
    make(blobs / "theirs", age=9 * KEEP)
    make(tmp_path / "models" / "web" / f"u{partial.SUFFIX}", age=2 * KEEP)
    assert set(found(tmp_path)) == {old, f"old{journal.SUFFIX}", f"u{partial.SUFFIX}"}
    assert find(tmp_path / "models", [tmp_path / "hub"], [], NOW, -1) == []


def test_records_of_downloads_go_with_their_models(tmp_path: Path) -> None:
    used = make(tmp_path / "models" / "blobs" / "used")
    for digest in ("ab" * 32, "cd" * 32):
        make(tmp_path / "models" / "pieces" / f"{digest}.json", age=2 * KEEP)
    digests = {str(used): "ab" * 32}
    assert found(tmp_path, used, digests=digests) == {f"{'cd' * 32}.json": Litter.PARTIAL}


def test_deleting_says_what_went_and_takes_empty_folders_along(tmp_path: Path) -> None:
    orphan = make(tmp_path / "models" / "web" / "host" / "orphan")
    litter = find(tmp_path / "models", [], [], NOW, KEEP)
    (piece,) = delete(litter)
    assert (piece.path, piece.why) == (str(orphan), Litter.ORPHAN)
    assert piece.size >= 5_000
    assert not orphan.parent.exists()
    assert delete(litter) == [], "it is gone already"


def test_a_second_name_of_a_file_frees_nothing(tmp_path: Path) -> None:
    orphan = make(tmp_path / "models" / "blobs" / "orphan")
    os.link(orphan, tmp_path / "elsewhere")
    (one,) = find(tmp_path / "models", [], [], NOW, KEEP)
    assert one.piece.size == 0


@pytest.mark.parametrize("ending", [partial.SUFFIX, journal.SUFFIX])
def test_a_download_that_goes_on_stays(tmp_path: Path, ending: str) -> None:
    file = make(tmp_path / "models" / "web" / f"m{partial.SUFFIX}", age=2 * KEEP)
    beside = file.with_name(f"m{ending}")
    make(beside, age=2 * KEEP)
    litter = find(tmp_path / "models", [], [], NOW, KEEP)
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert delete(litter) == []
    assert {piece.path for piece in delete(litter)} == {str(file), str(beside)}
