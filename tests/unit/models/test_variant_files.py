from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import NameTaken, QuantizeFailed
from llmd.models import variant_files
from llmd.models.manifest import Provided, pooled
from llmd.models.store import ModelStore
from llmd.protocol.models import Kind, ModelManifest, Preset
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Pooling
from tests.fakes.gguf import write


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


@pytest.fixture
def source(store: ModelStore, tmp_path: Path) -> ModelManifest:
    given = Provided(
        preset=Preset(base="other", system="Be brief."), options=LoadOptions(context_length=99)
    )
    path = write(tmp_path / "source.gguf", {"general.file_type": 1})
    return store.register(path, "m:F16", provided=given)


def made(store: ModelStore, source: ModelManifest, name: str, kind: int = 2) -> ModelManifest:
    folder = variant_files.begin(store)
    written = write(folder / "m-Q4_0.gguf", {"general.file_type": kind})
    try:
        return variant_files.finish(store, source, name, [written])
    finally:
        variant_files.end(folder)


def test_a_variant_is_registered_with_all_that_was_said_about_its_source(
    store: ModelStore, source: ModelManifest
) -> None:
    model = made(store, source, "m:Q4_0")
    assert model.quantization == "Q4_0"
    assert model.source == "quantized://m:F16"
    assert model.owned
    assert model.preset == Preset(system="Be brief.")
    assert model.options == LoadOptions(context_length=99)
    path = Path(model.path)
    assert path.name == "m-Q4_0.gguf"
    assert path.parent == store.directory / "quantized" / "m%3AQ4_0"
    assert store.get("m:q4_0") == model
    assert [folder.name for folder in path.parent.parent.iterdir()] == ["m%3AQ4_0"]


def test_removing_it_deletes_its_file_and_not_its_source(
    store: ModelStore, source: ModelManifest
) -> None:
    model = made(store, source, "m:Q4_0")
    assert store.remove("m:Q4_0").freed > 0
    assert not Path(model.path).exists()
    assert Path(source.path).exists()


def test_making_it_again_replaces_it(store: ModelStore, source: ModelManifest) -> None:
    made(store, source, "m:Q4_0")
    variant_files.check_free(store, source, "m:Q4_0")
    again = made(store, source, "m:Q4_0", kind=3)
    assert store.get("m:Q4_0") == again
    assert again.quantization == "Q4_1"
    assert len([model for model in store.list() if model.name == "m:Q4_0"]) == 1


def test_a_name_of_something_else_is_refused_beforehand(
    store: ModelStore, source: ModelManifest, tmp_path: Path
) -> None:
    store.register(write(tmp_path / "x.gguf"), "m:Q4_0")
    for name in ("M:q4_0", "llmd-tiny", "m:F16"):
        with pytest.raises(NameTaken, match="belongs to"):
            variant_files.check_free(store, source, name)
    variant_files.check_free(store, source, "m:Q5_0")


def test_a_file_with_other_weights_than_its_source_is_refused(
    store: ModelStore, source: ModelManifest
) -> None:
    folder = variant_files.begin(store)
    with pytest.raises(QuantizeFailed, match="has 128 weights, m:F16 has 64"):
        variant_files.finish(store, source, "m:Q4_0", [write(folder / "a.gguf", tensors=2)])
    (folder / "b.gguf").write_bytes(b"GGUF")
    with pytest.raises(QuantizeFailed, match="cannot be read"):
        variant_files.finish(store, source, "m:Q4_0", [folder / "b.gguf"])
    assert [model.name for model in store.list()] == ["llmd-tiny", "m:F16"]


def test_what_a_killed_writer_left_is_removed(store: ModelStore, source: ModelManifest) -> None:
    kept = made(store, source, "m:Q4_0")
    left = variant_files.begin(store)
    (left / "half.gguf").write_bytes(bytes(1000))
    (left.parent / "empty").mkdir()
    assert variant_files.clean(store) == 1000
    assert not left.exists()
    assert [path.name for path in left.parent.iterdir()] == ["m%3AQ4_0"]
    assert Path(kept.path).exists()
    assert variant_files.clean(store) == 0


def test_an_embedding_model_stays_one(store: ModelStore, source: ModelManifest) -> None:
    store.change("m:F16", lambda found: pooled(found, Pooling.MEAN))
    model = made(store, store.get("m:F16"), "m:Q4_0")
    assert (model.kind, model.pooling) == (Kind.EMBEDDING, Pooling.MEAN)


def test_names_of_files_come_from_names_of_models() -> None:
    assert variant_files.file_stem("Org/Repo-GGUF:F16", "Q4_0") == "Repo-GGUF-Q4_0"
    assert variant_files.file_stem("模型:latest", "Q8_0") == "模型-latest-Q8_0"


def test_a_variant_is_not_the_default_while_there_is_another(
    store: ModelStore, source: ModelManifest, tmp_path: Path
) -> None:
    store.register(write(tmp_path / "plain.gguf"), "plain")
    made(store, source, "m:Q4_0")
    assert store.default(Kind.CHAT).name == "plain"
    store.remove("plain")
    assert store.default(Kind.CHAT).name == "m:Q4_0"
