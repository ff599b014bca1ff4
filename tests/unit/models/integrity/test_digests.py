"""Where a file's digest can be learned."""

from __future__ import annotations

from pathlib import Path

from llmd.models.integrity.digests import expected
from tests.fakes.manifests import make_manifest

DIGEST = "ab" * 32


def test_the_record_knows_best() -> None:
    model = make_manifest("m", digests={"/models/m.gguf": DIGEST.upper()})
    assert expected(model, "/models/m.gguf") == DIGEST
    assert expected(model, "/models/other.gguf") == ""


def test_caches_name_files_by_their_digest(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "main"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / DIGEST).touch()
    (snapshot / "m.gguf").symlink_to(Path("../../blobs") / DIGEST)
    ollama = blobs / f"sha256-{DIGEST}"
    ollama.touch()
    assert expected(make_manifest("m"), str(snapshot / "m.gguf")) == DIGEST
    assert expected(make_manifest("m"), str(ollama)) == DIGEST


def test_a_name_that_only_looks_like_a_digest_means_nothing(tmp_path: Path) -> None:
    for name in (DIGEST, "blobs/0123"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        assert expected(make_manifest("m"), str(path)) == ""
