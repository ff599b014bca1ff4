from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, NotFound
from llmd.models.gguf.parts import check_readable, parts
from tests.fakes.gguf import write, write_split


def test_a_file_alone_is_its_only_part(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf")
    assert parts(path) == (path,)
    single = write(tmp_path / "m-00001-of-00001.gguf")
    assert parts(single) == (single,)
    nonsense = write(tmp_path / "m-00001-of-00000.gguf")
    assert parts(nonsense) == (nonsense,)


def test_the_first_part_brings_the_others(tmp_path: Path) -> None:
    found = write_split(tmp_path / "split")
    assert parts(found[0]) == tuple(found)


def test_a_later_part_names_the_first(tmp_path: Path) -> None:
    found = write_split(tmp_path / "split")
    with pytest.raises(CorruptFile, match="part 3") as failure:
        parts(found[2])
    assert found[0].name in failure.value.hint


def test_missing_parts_are_named_and_counted(tmp_path: Path) -> None:
    first = write(tmp_path / "m-00001-of-00009.gguf")
    with pytest.raises(CorruptFile, match=r"m-00002-of-00009.gguf, .* and 3 more not found"):
        parts(first)


def test_what_is_no_readable_file_is_not_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    for name in ("", "absent", "pipe", "link"):
        with pytest.raises(NotFound):
            check_readable(tmp_path / name)
    with pytest.raises(NotFound, match="not a file"):
        check_readable(Path("/dev/null"))
