"""What is kept of finished transfers."""

from __future__ import annotations

import stat
from pathlib import Path

from llmd.models.sources.transfer import pieces
from llmd.models.sources.transfer.pieces import Record

DIGEST = "ab" * 32


def record(path: Path) -> Record:
    status = path.stat()
    return Record(
        *(DIGEST, 3, "https://host/m.gguf?secret", "https", {3: DIGEST}),
        inode=status.st_ino,
        changed=status.st_mtime_ns,
    )


def test_it_is_found_by_its_digest_and_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"abc")
    kept = record(tmp_path / "m")
    pieces.keep(tmp_path / "records", kept)
    assert pieces.find(tmp_path / "records", DIGEST) == kept
    assert pieces.find_from(tmp_path / "records", kept.url, 3) == DIGEST
    assert pieces.find_from(tmp_path / "records", kept.url, 4) == ""
    assert pieces.find_from(None, kept.url, 3) == ""
    pieces.forget(tmp_path / "records", DIGEST)
    assert pieces.find(tmp_path / "records", DIGEST) is None


def test_others_may_not_read_it(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"abc")
    pieces.keep(tmp_path / "records", record(tmp_path / "m"))
    (kept,) = (tmp_path / "records").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    (tmp_path / f"{DIGEST}.json").write_text("{")
    assert pieces.find(tmp_path, DIGEST) is None
    assert pieces.find(tmp_path, "../../etc/passwd") is None


def test_the_very_file_is_known_again_and_no_other(tmp_path: Path) -> None:
    mine, other = tmp_path / "m", tmp_path / "o"
    mine.write_bytes(b"abc")
    other.write_bytes(b"abc")
    pieces.keep(tmp_path / "records", record(mine))
    assert pieces.fetched_here(tmp_path / "records", DIGEST, mine)
    assert not pieces.fetched_here(tmp_path / "records", DIGEST, other)
    assert not pieces.fetched_here(tmp_path / "records", "", mine)
    assert not pieces.fetched_here(tmp_path / "records", DIGEST, tmp_path / "gone")
