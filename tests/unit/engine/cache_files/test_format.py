"""A cache file gives back exactly what went into it, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmd.engine.cache_files import format as file_format
from llmd.engine.cache_files.format import MAGIC, Header, encode, read_header, read_snapshot
from llmd.engine.cache_files.snapshot import Snapshot
from llmd.errors import CorruptFile
from tests.unit.engine.cache_files.conftest import FINGERPRINT, same, snapshot

SMALL = snapshot(range(40), 400, 40, (10, 20))
OFTEN = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(shot: Snapshot) -> bytes:
    content = encode(shot, FINGERPRINT, "lora:0.5")
    data = content.start + b"".join(bytes(state) for state in content.states)
    assert len(data) == content.nbytes
    return data


def read(path: Path) -> tuple[Header, Snapshot]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        header = read_header(descriptor)
        return header, read_snapshot(descriptor, header)
    finally:
        os.close(descriptor)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.kv"


@pytest.mark.parametrize("size", [1, 99, 1000, 70_000])
def test_a_snapshot_comes_back_whole(
    size: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_format, "_PIECE", 1000)
    shot = snapshot(range(1, 9), size, 8, (2, 5))
    path.write_bytes(written(shot))
    header, back = read(path)
    assert same(back, shot)
    assert (header.fingerprint, header.adapters) == (FINGERPRINT, "lora:0.5")
    assert (header.reach.length, header.reach.floor, header.reach.checkpoints) == (8, 8, (2, 5))
    assert len(header.pieces) == -(-size // 1000) + 2 * -(-(size // 10) // 1000)


@OFTEN
@given(st.data())
def test_a_changed_byte_anywhere_is_noticed(path: Path, data: st.DataObject) -> None:
    whole = bytearray(written(SMALL))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    with pytest.raises(CorruptFile):
        read(path)


@OFTEN
@given(st.data())
def test_a_file_cut_short_or_grown_is_noticed(path: Path, data: st.DataObject) -> None:
    whole = written(SMALL)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    path.write_bytes(cut)
    with pytest.raises(CorruptFile):
        read(path)
    path.write_bytes(whole + data.draw(st.binary(min_size=1)))
    with pytest.raises(CorruptFile):
        read(path)


@OFTEN
@given(st.binary(max_size=200), st.booleans())
def test_other_bytes_are_no_cache_file(path: Path, data: bytes, begins_like_one: bool) -> None:
    path.write_bytes(MAGIC + data if begins_like_one else data)
    with pytest.raises(CorruptFile):
        read(path)


@OFTEN
@given(st.data())
def test_mixed_up_blocks_are_noticed(path: Path, data: st.DataObject) -> None:
    whole = written(SMALL)
    size = data.draw(st.integers(1, len(whole) // 2))
    one = data.draw(st.integers(0, len(whole) - 2 * size))
    two = data.draw(st.integers(one + size, len(whole) - size))
    first, second = whole[one : one + size], whole[two : two + size]
    mixed = whole[:one] + second + whole[one + size : two] + first + whole[two + size :]
    path.write_bytes(mixed)
    if first == second:
        assert same(read(path)[1], SMALL)
    else:
        with pytest.raises(CorruptFile):
            read(path)


def test_a_header_with_a_right_hash_and_wrong_content_is_refused(path: Path) -> None:
    data = b"\x93\x01\x02\x03"
    start = file_format._START.pack(MAGIC, len(data), file_format._hash(data))
    path.write_bytes(start + data)
    with pytest.raises(CorruptFile, match="Expected"):
        read(path)
