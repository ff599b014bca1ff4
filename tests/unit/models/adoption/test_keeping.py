"""Links and copies: what they share, what is refused, and that failures leave nothing."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, LlmdError, NoRoom
from llmd.models.adoption import keeping
from llmd.models.adoption.keeping import Keeping, keep
from llmd.protocol.adoption import Keep


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("a.gguf", "模型.gguf")]
    for number, path in enumerate(made):
        path.write_bytes(bytes([number]) * 100_000)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "model"


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link", str(source))

    monkeypatch.setattr(os, "link", refuse)


def test_a_link_is_the_same_file_and_stays(files: list[Path], folder: Path) -> None:
    kept = keep(files, folder, Keep.LINK, Keeping())
    assert kept == [folder / file.name for file in files]
    assert all(path.samefile(file) for path, file in zip(kept, files, strict=True))
    files[0].unlink()
    assert kept[0].read_bytes() == bytes(100_000)


def test_a_link_of_a_link_is_one_of_what_it_means(files: list[Path], folder: Path) -> None:
    snapshot = files[0].with_name("snapshot.gguf")
    snapshot.symlink_to(files[0])
    (kept,) = keep([snapshot], folder, Keep.LINK, Keeping())
    assert not kept.is_symlink()
    assert kept.samefile(files[0])


def test_a_copy_is_another_file(files: list[Path], folder: Path) -> None:
    progress = Keeping()
    kept = keep(files, folder, Keep.COPY, progress)
    assert [path.read_bytes() for path in kept] == [file.read_bytes() for file in files]
    assert not kept[0].samefile(files[0])
    assert progress.done == progress.total == 200_000


@pytest.mark.parametrize("how", [Keep.LINK, Keep.COPY])
def test_doing_it_again_changes_nothing_and_leaves_nothing_beside(
    files: list[Path], folder: Path, how: Keep
) -> None:
    keep(files, folder, how, Keeping())
    keep(files, folder, how, Keeping())
    assert sorted(path.name for path in folder.iterdir()) == ["a.gguf", "模型.gguf"]


@pytest.mark.usefixtures("no_links")
def test_another_file_system_is_explained(files: list[Path], folder: Path) -> None:
    with pytest.raises(InvalidRequest, match="another file system") as failure:
        keep(files, folder, Keep.LINK, Keeping())
    assert "--copy" in failure.value.hint
    assert not folder.exists()


@pytest.mark.usefixtures("no_links")
def test_where_blocks_can_be_shared_that_does_instead(
    files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clone(descriptor: int, order: int, source: int) -> None:
        assert order == 0x40049409
        os.sendfile(descriptor, source, 0, 1 << 20)

    monkeypatch.setattr("fcntl.ioctl", clone)
    kept = keep(files, folder, Keep.LINK, Keeping())
    assert kept[0].read_bytes() == files[0].read_bytes()


def test_what_fails_in_the_middle_leaves_nothing(files: list[Path], folder: Path) -> None:
    with pytest.raises(InvalidRequest, match="No such file"):
        keep([files[0], files[0].with_name("absent.gguf")], folder, Keep.LINK, Keeping())
    assert not folder.exists()


def test_what_was_there_before_a_failure_stays(files: list[Path], folder: Path) -> None:
    keep(files[:1], folder, Keep.LINK, Keeping())
    with pytest.raises(InvalidRequest):
        keep([*files, files[0].with_name("absent.gguf")], folder, Keep.LINK, Keeping())
    assert [path.name for path in folder.iterdir()] == ["a.gguf"]


def test_room_is_looked_for_before_a_copy(
    files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1))
    with pytest.raises(NoRoom, match="free"):
        keep(files, folder, Keep.COPY, Keeping())
    assert not folder.exists() or not any(folder.iterdir())


def test_a_disk_that_fills_up_is_explained(
    files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(file: Path, target: Path, progress: Keeping) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(keeping, "_copy", fill)
    with pytest.raises(NoRoom, match="full"):
        keep(files, folder, Keep.COPY, Keeping())
    assert not folder.exists()


def test_a_stopped_copy_leaves_nothing(files: list[Path], folder: Path) -> None:
    progress = Keeping()
    progress.stop()
    with pytest.raises(LlmdError, match="stopped"):
        keep(files, folder, Keep.COPY, progress)
    assert not folder.exists()


def test_a_long_copy_keeps_its_parts_from_looking_abandoned(
    files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Keeping()
    add, seen = progress.add, []

    def slow(count: int) -> None:
        if progress.placed:
            os.utime(progress.placed[0], (0, 0))
            progress._touched -= 400
        add(count)
        seen.extend(path.stat().st_mtime for path in progress.placed)

    monkeypatch.setattr(progress, "add", slow)
    keep(files, folder, Keep.COPY, progress)
    assert seen
    assert min(seen) > 0
