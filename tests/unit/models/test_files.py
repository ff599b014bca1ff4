"""Deleting: what only this model kept alive goes, everything else stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.models import files


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "hub" / "models--acme--m"


def cached(repository: Path, revision: str, name: str, blob: str) -> Path:
    """Put a blob of 1000 bytes and a name for it into the cache."""
    content = repository / "blobs" / blob
    content.parent.mkdir(parents=True, exist_ok=True)
    content.write_bytes(bytes(1000))
    link = repository / "snapshots" / revision / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(content, link.parent))
    return link


def test_a_plain_file_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(bytes(1000))
    assert files.delete([path, tmp_path / "absent.gguf"]) == 1000
    assert not path.exists()


def test_a_file_with_a_second_name_frees_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(bytes(1000))
    os.link(path, tmp_path / "other")
    assert files.delete([path]) == 0


def test_the_last_file_takes_the_repository_with_it(repository: Path) -> None:
    link = cached(repository, "rev", "deep/m.gguf", "b1")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("rev")
    assert files.delete([link]) == 1000
    assert not repository.exists()


def test_other_files_of_the_repository_stay(repository: Path) -> None:
    link, other = (
        cached(repository, "rev", "m.gguf", "b1"),
        cached(repository, "rev", "n.gguf", "b2"),
    )
    assert files.delete([link]) == 1000
    assert not link.is_symlink()
    assert other.exists()


def test_a_blob_that_another_revision_names_stays(repository: Path) -> None:
    link, other = (
        cached(repository, "rev1", "m.gguf", "b1"),
        cached(repository, "rev2", "m.gguf", "b1"),
    )
    assert files.delete([link]) == 0
    assert other.read_bytes() == bytes(1000)
    assert not link.parent.exists()


def test_a_link_out_of_the_cache_is_not_followed(repository: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "precious"
    elsewhere.write_bytes(bytes(10))
    link = repository / "snapshots" / "rev" / "m.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    assert files.delete([link]) == 0
    assert elsewhere.exists()


def test_copies_in_a_cache_without_links_are_deleted(repository: Path) -> None:
    path = repository / "snapshots" / "rev" / "m.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(1000))
    assert files.delete([path]) == 1000
    assert not repository.exists()


def test_missing_files_and_same_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"")
    (tmp_path / "link").symlink_to(path)
    assert files.missing([str(path), str(tmp_path / "n")]) == [str(tmp_path / "n")]
    assert files.same(str(path), str(tmp_path / "link"))
    assert not files.same(str(path), str(tmp_path))


def test_empty_folders_go_up_to_the_root_and_no_further(tmp_path: Path) -> None:
    root = tmp_path / "models"
    (root / "kept" / "a" / "b").mkdir(parents=True)
    (root / "other").mkdir()
    files.tidy(root / "kept" / "a" / "b", root)
    assert [path.name for path in root.iterdir()] == ["other"]
    files.tidy(root, root)
    files.tidy(tmp_path, root)
    assert root.exists()
    (root / "other" / "file").touch()
    files.tidy(root / "other", root)
    assert (root / "other" / "file").exists()
