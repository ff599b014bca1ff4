"""A file that is not complete yet."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from llmd.errors import DownloadFailed, NoRoom
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Busy, Partial, waiting_size

SIX = Identity(6, "", '"v1"')


def put(partial: Partial, position: int, data: bytes) -> None:
    partial.write(position, memoryview(data))


def test_it_grows_over_several_attempts_and_gets_its_name_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "blobs" / "etag"
    with Partial(target, SIX) as partial:
        put(partial, 3, b"def")
        assert (partial.gaps(), partial.reach()) == ([(0, 3)], 0)
    assert not target.exists()
    assert waiting_size(target) == 3
    with Partial(target, SIX) as partial:
        assert partial.done == 3
        put(partial, 0, b"abc")
        assert partial.complete
        partial.finish()
    assert target.read_bytes() == b"abcdef"
    assert waiting_size(target) == 6
    assert [file.name for file in target.parent.iterdir()] == ["etag"]


def test_only_one_may_work_on_it(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", SIX), pytest.raises(Busy), Partial(tmp_path / "b", SIX):
        pytest.fail("two at once")


def test_another_version_begins_again_and_says_so(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", SIX) as partial:
        put(partial, 0, b"abc")
    with Partial(tmp_path / "b", Identity(6, "", '"v2"')) as partial:
        assert (partial.done, partial.replaced) == (0, True)


def test_bytes_without_a_journal_are_not_believed(tmp_path: Path) -> None:
    (tmp_path / "b.llmd.incomplete").write_bytes(b"abc")
    with Partial(tmp_path / "b", SIX) as partial:
        assert partial.done == 0


def test_a_file_that_lost_its_end_lacks_it(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", SIX) as partial:
        put(partial, 0, b"abcdef")
    os.truncate(tmp_path / "b.llmd.incomplete", 4)
    with Partial(tmp_path / "b", SIX) as partial:
        assert partial.gaps() == [(4, 6)]


def test_damaged_bytes_are_missing_ones(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", SIX) as partial:
        put(partial, 0, b"abcdef")
        partial.mark(4, "ab" * 32)
        partial.lose(2, 4)
    with Partial(tmp_path / "b", SIX) as partial:
        assert partial.gaps() == [(2, 4)]
        assert partial.marks() == {4: "ab" * 32}


def test_restarting_forgets_everything(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", SIX) as partial:
        put(partial, 0, b"abcdef")
        partial.restart(Identity(3))
        assert (partial.done, partial.gaps()) == (0, [(0, 3)])
        assert partial.path.stat().st_size == 0


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", SIX) as partial:
        put(partial, 0, b"abc")
        partial.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_size_may_be_learned_on_the_way(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", Identity(0)) as partial:
        put(partial, 0, b"abc")
        assert not partial.complete
        partial.settle(3)
        assert partial.complete


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, NoRoom, "disk is full"),
        (errno.EDQUOT, NoRoom, "disk is full"),
        (errno.EIO, DownloadFailed, "could not be written"),
    ],
)
def test_a_disk_that_takes_no_more_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type, words: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with Partial(tmp_path / "b", SIX) as partial:
        put(partial, 0, b"ab")
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", full)
            with pytest.raises(kind, match=words):
                put(partial, 2, b"cd")
        assert partial.gaps() == [(2, 6)]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(DownloadFailed, match="could not be written"),
        Partial(tmp_path / "file" / "b", SIX),
    ):
        pytest.fail("it was opened")


def test_nothing_there_counts_as_nothing(tmp_path: Path) -> None:
    assert waiting_size(tmp_path / "b") == 0
