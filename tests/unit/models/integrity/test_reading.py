"""Reading files whole: flipped bytes, cut ends, missing and changing files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmd.models.integrity import reading
from llmd.models.integrity.reading import PIECE, Reader
from llmd.protocol.integrity import FileHealth, Health
from tests.fakes.gguf import write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model of three pieces, most of it a hole."""
    path = write(tmp_path / "m.gguf")
    os.truncate(path, 2 * PIECE + 5)
    return path


def read(path: Path, expected: str = "", known: Mapping[int, str] | None = None) -> FileHealth:
    steps = Reader(path, expected, known or {}).run()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found = end.value
            assert isinstance(found, FileHealth)
            return found


def marks(path: Path) -> dict[int, str]:
    reader = Reader(path, "")
    list(reader.run())
    return reader.marks


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def flip(path: Path, position: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def test_a_sound_file_has_the_digest_that_is_known(file: Path) -> None:
    found = read(file, digest(file))
    assert (found.state, found.size, found.damage) == (Health.OK, 2 * PIECE + 5, [])


def test_a_digest_that_nobody_knew_is_found_out(file: Path) -> None:
    found = read(file)
    assert found.state is Health.RECORDED
    assert found.sha256 == digest(file)


def test_marks_are_digests_of_everything_so_far(file: Path) -> None:
    data = file.read_bytes()
    assert marks(file) == {
        end: hashlib.sha256(data[:end]).hexdigest() for end in (PIECE, 2 * PIECE, len(data))
    }


def test_a_flipped_byte_is_found_in_its_piece(file: Path) -> None:
    known, whole = marks(file), digest(file)
    flip(file, PIECE + 77)
    found = read(file, whole, known)
    assert found.state is Health.DAMAGED
    assert found.damage == [(PIECE, 2 * PIECE)]
    assert found.expected == whole
    assert found.sha256 == digest(file)


def test_without_marks_damage_has_no_place(file: Path) -> None:
    whole = digest(file)
    flip(file, PIECE)
    found = read(file, whole)
    assert (found.state, found.damage) == (Health.DAMAGED, [])


def test_a_file_that_was_cut_short_says_where(file: Path) -> None:
    known, whole = marks(file), digest(file)
    os.truncate(file, PIECE + 3)
    found = read(file, whole, known)
    assert found.state is Health.DAMAGED
    assert found.damage == [(PIECE, 2 * PIECE + 5)]


def test_structure_alone_can_tell_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf")
    os.truncate(path, path.stat().st_size - 1)
    found = read(path)
    assert found.state is Health.DAMAGED
    assert "bytes are there" in found.reason
    path.write_bytes(b"<html>")
    assert read(path).state is Health.DAMAGED


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    assert read(tmp_path / "absent").state is Health.MISSING
    assert read(tmp_path).state is Health.UNREADABLE


def test_a_file_that_changes_meanwhile_is_not_judged(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_STEP", 0.0)
    steps = Reader(file, digest(file)).run()
    next(steps)
    os.utime(file, ns=(1, 1))
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
    found = end.value.value
    assert found.state is Health.UNREADABLE
    assert "changed" in found.reason


def test_reading_can_be_left_between_two_steps(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_STEP", 0.0)
    steps = Reader(file, "").run()
    positions = [next(steps), next(steps)]
    assert positions == sorted(positions)
    assert 0 < positions[-1] < file.stat().st_size
    steps.close()
