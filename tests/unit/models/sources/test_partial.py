"""A file that is not complete yet."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from llmd.errors import DownloadFailed
from llmd.models.sources.partial import Busy, Partial, waiting_size


def nothing(_: int) -> None:
    return


def test_it_grows_over_several_attempts_and_gets_its_name_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "blobs" / "etag"
    with Partial(target, 6) as partial:
        partial.append(b"abc")
    assert not target.exists()
    assert waiting_size(target) == 3
    with Partial(target, 6) as partial:
        assert partial.size == 3
        partial.append(b"def")
        seen: list[int] = []
        partial.finish(hashlib.sha256(b"abcdef").hexdigest(), seen.append)
    assert target.read_bytes() == b"abcdef"
    assert seen == [6]
    assert waiting_size(target) == 6
    assert [file.name for file in target.parent.iterdir()] == ["etag"]


def test_only_one_may_work_on_it(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", 6), pytest.raises(Busy), Partial(tmp_path / "b", 6):
        pytest.fail("two at once")


def test_wrong_bytes_are_forgotten(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", 3) as partial:
        partial.append(b"abc")
        with pytest.raises(DownloadFailed, match="not what the source says"):
            partial.finish("00", nothing)
        assert partial.size == 0
    assert not (tmp_path / "b").exists()


def test_it_is_not_finished_early(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", 3) as partial:
        partial.append(b"ab")
        with pytest.raises(DownloadFailed, match="2 of 3 bytes"):
            partial.finish("", nothing)


def test_more_than_was_announced_is_refused(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", 3) as partial, pytest.raises(DownloadFailed, match="more than"):
        partial.append(b"abcd")


def test_one_that_is_too_long_starts_over(tmp_path: Path) -> None:
    with Partial(tmp_path / "b", 9) as partial:
        partial.append(b"abcdef")
    with Partial(tmp_path / "b", 3) as partial:
        assert partial.size == 0


def test_nothing_there_counts_as_nothing(tmp_path: Path) -> None:
    assert waiting_size(tmp_path / "b") == 0
