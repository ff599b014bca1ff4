from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, NotFound
from llmd.models.gguf import reading
from llmd.models.gguf.header import Header, read_header
from llmd.models.gguf.reading import read_model
from tests.fakes.gguf import write, write_split


def test_a_model_is_read_once_while_its_file_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "m.gguf")
    read: list[Path] = []

    def counted(file: Path) -> Header:
        read.append(file)
        return read_header(file)

    monkeypatch.setattr(reading, "read_header", counted)
    first = read_model(path)
    assert read_model(path) is first
    assert read == [path]
    write(path, {"llama.context_length": 9}, tensors=2)
    assert read_model(path).facts.context_length == 9
    os.utime(path, (1, 1))
    read_model(path)
    assert len(read) == 3


def test_all_parts_are_read(tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    found = read_model(parts[0])
    assert found.files == tuple(parts)
    assert found.size == sum(part.stat().st_size for part in parts)
    assert found.facts.parameters == 3 * 2 * 64
    parts[1].write_bytes(parts[1].read_bytes()[:-1])
    with pytest.raises(CorruptFile, match=f"{parts[1].name} is truncated"):
        read_model(parts[0])


def test_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "m.gguf")

    def meddled(file: Path) -> Header:
        found = read_header(file)
        write(file, tensors=3)
        return found

    monkeypatch.setattr(reading, "read_header", meddled)
    with pytest.raises(CorruptFile, match="changed while it was read"):
        read_model(path)


def test_a_file_that_goes_meanwhile_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "m.gguf")

    def gone(file: Path) -> Header:
        file.unlink()
        return read_header(file)

    monkeypatch.setattr(reading, "read_header", gone)
    with pytest.raises(NotFound):
        read_model(path)


def test_counts_beyond_reason_name_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", {"llama.block_count": 10**6})
    with pytest.raises(CorruptFile, match="claims 1000000 layers") as failure:
        read_model(path)
    assert str(path) in failure.value.message
    assert failure.value.hint


def test_files_of_other_sorts_are_read_too(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", {"general.architecture": "hovercraft"}, tensors=0)
    assert read_model(path).facts.layers == []
