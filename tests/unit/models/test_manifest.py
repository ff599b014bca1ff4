"""One record on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from llmd.models import manifest
from llmd.models.gguf.inspection import inspect
from llmd.models.projectors import Projector
from llmd.protocol.models import ModelManifest
from tests.fakes.gguf import write


@pytest.fixture
def model(tiny_model: Path) -> ModelManifest:
    return manifest.describe(
        "acme/m:Q8_0", inspect(tiny_model), source="file:///m", added=1.5, owned=False
    )


def test_what_is_written_is_read(tmp_path: Path, model: ModelManifest) -> None:
    manifest.write(tmp_path / "new", model, new=True)
    path = manifest.record_path(tmp_path / "new", model.name)
    assert path.name == "acme%2Fm%3AQ8_0.json"
    assert manifest.read(path) == model
    assert [file.name for file in (tmp_path / "new").iterdir()] == [path.name]


def test_a_new_record_does_not_replace_one(tmp_path: Path, model: ModelManifest) -> None:
    manifest.write(tmp_path, model, new=True)
    with pytest.raises(FileExistsError):
        manifest.write(tmp_path, model, new=True)
    manifest.write(tmp_path, msgspec.structs.replace(model, added=2.0), new=False)
    assert manifest.read(manifest.record_path(tmp_path, model.name)).added == 2.0
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"name": "x"}', b"\xff\xfe", b'{"name": 3}']
)
def test_a_damaged_record_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(manifest.DamagedManifest):
        manifest.read(path)


def test_a_record_under_another_name_is_damaged(tmp_path: Path, model: ModelManifest) -> None:
    manifest.write(tmp_path, model, new=True)
    moved = tmp_path / "other.json"
    manifest.record_path(tmp_path, model.name).rename(moved)
    with pytest.raises(manifest.DamagedManifest, match=model.name):
        manifest.read(moved)


def test_removing_twice_is_fine(tmp_path: Path, model: ModelManifest) -> None:
    manifest.write(tmp_path, model, new=True)
    manifest.remove(tmp_path, model.name)
    manifest.remove(tmp_path, model.name)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        manifest.read(manifest.record_path(tmp_path, model.name))


REWRITE = """
import sys, msgspec
from pathlib import Path
from llmd.models import manifest
path = Path(sys.argv[1])
model = manifest.read(path)
for number in range(100):
    manifest.write(path.parent, msgspec.structs.replace(model, added=float(number)), new=False)
"""


def test_a_reader_never_sees_half_a_record(tmp_path: Path, model: ModelManifest) -> None:
    manifest.write(tmp_path, model, new=True)
    path = manifest.record_path(tmp_path, model.name)
    writers = [subprocess.Popen([sys.executable, "-c", REWRITE, str(path)]) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert manifest.read(path).name == model.name
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_projector_belongs_to_the_model(tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    plain = manifest.describe("m", inspect(file), source="x", added=1, owned=True)
    assert (plain.projector, plain.vision, plain.audio) == ("", False, False)
    whole = manifest.accompanied(plain, Projector(tmp_path / "p.gguf", 64, True, False, 1000))
    assert whole.size == plain.size + 1000
    assert whole.files == [*plain.files, str(tmp_path / "p.gguf")]
    assert (whole.projector, whole.vision, whole.audio) == (str(tmp_path / "p.gguf"), True, False)
