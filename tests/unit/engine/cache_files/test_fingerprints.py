"""States are for the model, library and settings that made them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.engine.bindings import Context, ContextShape, Model, start_backend
from llmd.engine.cache_files import fingerprint
from llmd.engine.cache_files.fingerprints import file_hash

SHAPE = ContextShape(tokens=256, sequences=1, batch=64, micro_batch=64, threads=1)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Model]:
    start_backend(lambda *_: None)
    model = Model.load(str(tiny_model), gpu_layers=0, progress=lambda _: None)
    assert model
    yield model
    model.close()


@pytest.fixture(scope="module")
def context(model: Model) -> Iterator[Context]:
    context = Context.create(model, SHAPE)
    assert context
    yield context
    context.close()


def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    data = bytes(range(256)) * 50_000
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(data)
    assert file_hash(str(tmp_path / "a")) == file_hash(str(tmp_path / "b"))
    first = file_hash(str(tmp_path / "a"))
    for changed in (data[:-1], data + b"x", b"x" + data[1:], data[:-1] + b"x"):
        (tmp_path / "a").write_bytes(changed)
        assert file_hash(str(tmp_path / "a")) != first


def test_a_file_with_another_middle_is_another_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    size = 24 << 20
    file.write_bytes(b"a" * size)
    first = file_hash(str(file))
    file.write_bytes(b"a" * (16 << 20) + b"b" * (6 << 20) + b"a" * (2 << 20))
    assert file.stat().st_size == size
    assert file_hash(str(file)) != first


def test_every_setting_that_changes_a_state_changes_the_fingerprint(
    model: Model, context: Context, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(kv_type: str = "f16", flash: str = "auto", path: Path = tiny_model) -> str:
        return fingerprint(str(path), model, context, kv_type=kv_type, flash_attention=flash)

    first = made()
    assert len(first) == 32
    assert made() == first
    found = {first, made("q8_0"), made(flash="off")}
    monkeypatch.setattr(f"{fingerprint.__module__}.version", lambda _: "0.3.99")
    found.add(made())
    monkeypatch.undo()
    # a model trained with less than this context
    monkeypatch.setattr(model, "metadata", lambda key: "128" if "original" in key else "phi3")
    found.add(made())
    assert len(found) == 5


def test_all_parts_of_a_split_model_count(model: Model, context: Context, tmp_path: Path) -> None:
    for part in (1, 2):
        (tmp_path / f"m-0000{part}-of-00002.gguf").write_bytes(b"%d" % part)

    def made() -> str:
        path = str(tmp_path / "m-00001-of-00002.gguf")
        return fingerprint(path, model, context, kv_type="f16", flash_attention="auto")

    first = made()
    (tmp_path / "m-00002-of-00002.gguf").write_bytes(b"3")
    assert made() != first
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    with pytest.raises(FileNotFoundError):
        made()
