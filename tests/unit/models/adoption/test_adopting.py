"""Finds become models: referenced ones are never deleted, linked and copied ones are llmd's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, NameTaken
from llmd.models.adoption import adopting
from llmd.models.adoption.find import Find
from llmd.models.adoption.survey import judge
from llmd.models.store import ModelStore
from llmd.protocol.adoption import Keep, Place, Tool
from tests.fakes.gguf import write, write_split
from tests.fakes.random_adapter import write_adapter
from tests.fakes.tool_stores import OllamaDirectory, place

VisionFiles = Callable[[str], tuple[Path, Path]]


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "llmd", tiny_model)


def find(path: Path, name: str = "m") -> Find:
    return Find(Tool.FOLDER, path, name, f"file://{path}", digests={str(path): "ab" * 32})


def test_a_referenced_model_is_never_deleted(store: ModelStore, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    model = adopting.register(store, find(file))
    assert (model.path, model.owned, model.digests) == (str(file), False, {str(file): "ab" * 32})
    assert store.remove("m").freed == 0
    assert file.exists()


@pytest.mark.parametrize("how", [Keep.LINK, Keep.COPY])
def test_a_kept_model_outlives_its_file_and_goes_with_its_name(
    store: ModelStore, tmp_path: Path, how: Keep
) -> None:
    parts = write_split(tmp_path / "theirs")
    model = adopting.register(store, find(parts[0], "acme/big:Q8_0"), how=how)
    kept = [Path(path) for path in model.files]
    assert model.source == f"file://{parts[0]}"
    assert list(model.digests) == [str(kept[0])]
    assert all(path.is_relative_to(store.directory / "kept") for path in kept)
    content = [part.read_bytes() for part in parts]
    for part in parts[1:]:
        part.unlink()
    assert [path.read_bytes() for path in kept] == content
    assert store.get("acme/big:q8_0") == model
    store.remove("acme/big:Q8_0")
    assert not any(path.exists() for path in kept)
    assert parts[0].exists()


def test_a_reference_can_be_turned_into_a_link_and_again(store: ModelStore, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    adopting.register(store, find(file))
    for _ in range(2):
        linked = adopting.register(store, find(file), how=Keep.LINK)
        assert linked.owned
        assert Path(linked.path).samefile(file)
    assert len(store.list()) == 2


def test_a_projector_is_kept_with_its_model(
    store: ModelStore, tmp_path: Path, vision_files: VisionFiles
) -> None:
    model, projector = vision_files("tiled")
    file = place(model, tmp_path / "eye-F32.gguf")
    place(projector, tmp_path / "mmproj-eye-F16.gguf")
    kept = adopting.register(store, find(file, "eye"), how=Keep.LINK)
    assert kept.vision
    assert Path(kept.projector).parent == Path(kept.path).parent


def test_nothing_is_copied_for_what_will_be_refused(store: ModelStore, tmp_path: Path) -> None:
    store.register(write(tmp_path / "other.gguf"), "M")
    with pytest.raises(NameTaken):
        adopting.register(store, find(write(tmp_path / "m.gguf")), how=Keep.COPY)
    (tmp_path / "bad.gguf").write_text("no model")
    with pytest.raises(CorruptFile):
        adopting.register(store, find(tmp_path / "bad.gguf", "bad"), how=Keep.COPY)
    assert not (store.directory / "kept").exists()


def test_what_was_kept_goes_when_the_model_cannot_be_registered(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NameTaken("somebody was quicker")

    monkeypatch.setattr(store, "register", refuse)
    with pytest.raises(NameTaken):
        adopting.register(store, find(write(tmp_path / "m.gguf")), how=Keep.LINK)
    assert not any((store.directory / "kept").iterdir())


def test_what_ollama_says_of_a_model_goes_into_its_manifest(
    store: ModelStore, tmp_path: Path, tiny_model: Path
) -> None:
    directory = OllamaDirectory(tmp_path / "ollama")
    lora = write_adapter(tmp_path / "poet.gguf", tiny_model).read_bytes()
    directory.add(
        "poet:1",
        {
            "model": tiny_model.read_bytes(),
            "adapter": lora,
            "system": "写诗。".encode(),
            "params": b'{"temperature": 0, "num_ctx": 512}',
        },
    )
    ((one,), _) = judge([Place(Tool.OLLAMA, str(directory.root))], [])
    adopting.register(store, one.find, one.adapters)
    model = ModelStore(store.directory, tiny_model).get("poet:1")
    assert model.preset.system == "写诗。"
    assert model.preset.sampling.temperature == 0
    assert model.options.context_length == 512
    assert [adapter.name for adapter in model.adapters] == ["adapter-1"]
    assert not model.owned
    assert model.source == "ollama://poet:1"


def test_a_link_takes_all_that_belongs_to_a_model_and_leaves_no_folder(
    store: ModelStore, tmp_path: Path, tiny_model: Path
) -> None:
    directory = OllamaDirectory(tmp_path / "ollama")
    lora = write_adapter(tmp_path / "poet.gguf", tiny_model).read_bytes()
    directory.add("poet:1", {"model": tiny_model.read_bytes(), "adapter": lora})
    ((one,), _) = judge([Place(Tool.OLLAMA, str(directory.root))], [])
    model = adopting.register(store, one.find, one.adapters, Keep.LINK)
    (adapter,) = model.adapters
    assert Path(adapter.path).samefile(directory.blob(lora))
    assert Path(adapter.path).is_relative_to(store.directory)
    plain = adopting.register(store, find(write(tmp_path / "m.gguf")), how=Keep.LINK)
    store.remove("m")
    assert not Path(plain.path).parent.exists()
