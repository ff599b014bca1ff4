"""Bytes on the disk: shared files, several names of one, holes, adapters."""

from __future__ import annotations

import os
from pathlib import Path

from llmd.models.integrity.usage import Usage, allocated, files_of, total, walk
from llmd.protocol.models import AdapterFile
from tests.fakes.manifests import make_manifest


def make(path: Path, size: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return allocated(path.stat())


def test_a_file_that_two_models_share_counts_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    size = make(one, 50_000)
    other = make(two, 10_000)
    usage = Usage(
        [
            make_manifest("base", files=[str(one)], owned=True),
            make_manifest("preset", files=[str(one)], owned=True),
            make_manifest("mine", files=[str(two)]),
        ]
    )
    assert [(row.name, row.size, row.shared, row.owned) for row in usage.rows()] == [
        ("base", size, size, True),
        ("preset", size, size, True),
        ("mine", other, 0, False),
    ]
    assert usage.owned() == size
    assert usage.foreign() == other


def test_links_of_both_kinds_are_the_file_itself(tmp_path: Path) -> None:
    real, hard, soft = (tmp_path / name for name in ("real", "hard", "soft"))
    size = make(real, 9_000)
    os.link(real, hard)
    soft.symlink_to(real)
    usage = Usage(
        [make_manifest(path.name, files=[str(path)], owned=True) for path in (real, hard, soft)]
    )
    assert usage.owned() == size
    assert real.stat() in usage
    assert tmp_path.stat() not in usage


def test_projectors_and_adapters_count(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("m", "proj", "lora")]
    sizes = [make(path, 5_000) for path in names]
    model, projector, lora = map(str, names)
    manifest = make_manifest(
        "m",
        files=[model, projector],
        projector=projector,
        adapters=[AdapterFile("l", lora)],
        owned=True,
    )
    assert files_of(manifest) == [model, projector, lora]
    usage = Usage([manifest])
    assert usage.rows()[0].size == sum(sizes)
    assert usage.owned() == sum(sizes[:2]), "adapters are the user's"


def test_a_missing_file_takes_nothing() -> None:
    assert Usage([make_manifest("gone")]).rows()[0].size == 0


def test_holes_take_no_room(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**30)
    assert total(walk(tmp_path)) < 2**20


def test_all_files_below_a_folder_are_found(tmp_path: Path) -> None:
    size = make(tmp_path / "a" / "b" / "c", 100)
    os.link(tmp_path / "a" / "b" / "c", tmp_path / "d")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert {path.name for path, _ in walk(tmp_path)} == {"c", "d"}
    assert total(walk(tmp_path)) == size
    assert total(walk(tmp_path / "absent")) == 0
