"""The store: the built-in model, registering, names, defaults, removing, and a disk that changes underneath."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from llmd.errors import (
    CorruptFile,
    InvalidRequest,
    ModelNotFound,
    NameTaken,
    NotFound,
    UnsupportedFormat,
)
from llmd.models.adapters import with_adapter
from llmd.models.manifest import Provided, pooled
from llmd.models.store import ModelStore
from llmd.protocol.models import AdapterFile, Kind, ModelManifest, Preset, SamplingDefaults
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Pooling
from tests.fakes.gguf import write, write_split

VisionFiles = Callable[[str], tuple[Path, Path]]


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "mine.gguf")


def names(store: ModelStore) -> list[str]:
    return [model.name for model in store.list()]


def test_the_builtin_model_is_always_there(
    store: ModelStore, tmp_path: Path, tiny_model: Path
) -> None:
    (model,) = store.list()
    assert model.name == "llmd-tiny"
    assert model.source == "builtin"
    assert model.path == str(tiny_model)
    assert store.get("llmd-tiny") == model
    assert not (tmp_path / "models").exists()
    with pytest.raises(InvalidRequest, match="cannot be removed"):
        store.remove("llmd-tiny")


def test_a_file_is_registered_where_it_lies(store: ModelStore, file: Path) -> None:
    model = store.register(file)
    assert model.name == "mine"
    assert model.source == f"file://{file}"
    assert not model.owned
    assert store.get("mine") == model
    assert names(store) == ["llmd-tiny", "mine"]


def test_another_store_over_the_same_folder_sees_it(
    store: ModelStore, file: Path, tmp_path: Path
) -> None:
    other = ModelStore(tmp_path / "models", Path(store.builtin().path))
    assert len(other.list()) == 1
    model = store.register(file)
    assert other.get("mine") == model
    other.remove("mine")
    assert len(store.list()) == 1


def test_relative_paths_are_made_absolute(
    store: ModelStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert store.register(Path("x/../mine.gguf")).path == str(file)


def test_bad_files_and_bad_names_leave_nothing(
    store: ModelStore, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(CorruptFile):
        store.register(tmp_path / "text.gguf")
    with pytest.raises(NotFound):
        store.register(tmp_path / "absent.gguf")
    with pytest.raises(InvalidRequest):
        store.register(file, "../escape")
    assert len(store.list()) == 1


def test_a_name_belongs_to_one_file(store: ModelStore, file: Path, tmp_path: Path) -> None:
    store.register(file, "Name")
    other = write(tmp_path / "other.gguf")
    for taken in ("Name", "name", "llmd-tiny", "LLMD-tiny"):
        with pytest.raises(NameTaken) as failure:
            store.register(other, taken)
        assert failure.value.hint
    assert store.get("Name").path == str(file)


def test_the_same_file_again_refreshes_its_manifest(store: ModelStore, file: Path) -> None:
    store.register(file, "Name")
    write(file, {"llama.context_length": 99})
    again = store.register(file, "name")
    assert again.name == "Name"
    assert store.get("Name").context_length == 99
    assert len(store.list()) == 2


def test_a_newer_revision_of_the_same_source_takes_over(store: ModelStore, tmp_path: Path) -> None:
    old, new = write(tmp_path / "old.gguf"), write(tmp_path / "new.gguf")
    store.register(old, "m", "hf://acme/m/m.gguf", owned=True)
    assert store.register(new, "m", "hf://acme/m/m.gguf", owned=True).path == str(new)
    assert not old.exists()
    assert new.exists()


def test_split_models_are_one_model(store: ModelStore, tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    model = store.register(parts[0], owned=True)
    assert model.name == "big-Q8_0"
    assert model.files == [str(part) for part in parts]
    assert store.remove("big-Q8_0").freed == model.size
    assert not any(part.exists() for part in parts)


def test_names_are_found_loosely(store: ModelStore, file: Path, tmp_path: Path) -> None:
    model = store.register(file, "Acme/Model-GGUF:Q8_0")
    for wanted in (
        "acme/model-gguf:q8_0",
        "Acme/Model-GGUF",
        "hf://acme/model-gguf",
        "hf.co/Acme/Model-GGUF:Q8_0",
    ):
        assert store.get(wanted) == model
    store.register(write(tmp_path / "other.gguf"), "Acme/Model-GGUF:Q4_0")
    with pytest.raises(ModelNotFound) as failure:
        store.get("Acme/Model-GGUF")
    assert failure.value.details["suggestions"] == ["Acme/Model-GGUF:Q4_0", "Acme/Model-GGUF:Q8_0"]


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("zzz", "llmd ls"),
        ("mime", "Did you mean mine?"),
        ("qwen3-4b", "llmd pull qwen3-4b"),
        ("llama3.2:1b", "llmd pull llama3.2:1b"),
        ("qwen3-4bb", "Did you mean qwen3-4b"),
        ("a\x00b", "llmd ls"),
    ],
)
def test_an_unknown_name_says_what_to_do(
    store: ModelStore, file: Path, wanted: str, hint: str
) -> None:
    store.register(file, "mine" if wanted != "zzz" else "other")
    with pytest.raises(ModelNotFound) as failure:
        store.get(wanted)
    assert hint in failure.value.hint


def test_a_vanished_file_is_named_and_can_still_be_forgotten(store: ModelStore, file: Path) -> None:
    store.register(file)
    file.unlink()
    assert names(store) == ["llmd-tiny", "mine"]
    with pytest.raises(ModelNotFound, match=str(file)) as failure:
        store.get("mine")
    assert "llmd rm mine" in failure.value.hint
    assert store.find("mine").name == "mine"
    assert store.default(Kind.CHAT).name == "llmd-tiny"
    assert store.remove("mine").kept_file is None
    assert len(store.list()) == 1


def test_imported_files_are_never_deleted(store: ModelStore, file: Path) -> None:
    store.register(file)
    removed = store.remove("mine")
    assert (removed.removed, removed.freed, removed.kept_file) == ("mine", 0, str(file))
    assert file.exists()


def test_owned_files_go_with_the_last_model_that_uses_them(store: ModelStore, file: Path) -> None:
    model = store.register(file, "one", owned=True)
    copied = store.copy("one", "two")
    assert copied.path == model.path
    assert store.remove("one").kept_file == str(file)
    assert store.remove("two").freed == model.size
    assert not file.exists()


def test_a_copy_of_the_builtin_model_is_an_ordinary_model(
    store: ModelStore, tiny_model: Path
) -> None:
    store.copy("llmd-tiny", "mine")
    assert store.get("mine").source == f"file://{tiny_model}"
    assert store.remove("mine").kept_file == str(tiny_model)


def test_copies_need_a_source_and_a_free_name(store: ModelStore, file: Path) -> None:
    store.register(file)
    with pytest.raises(NameTaken):
        store.copy("llmd-tiny", "MINE")
    with pytest.raises(ModelNotFound):
        store.copy("nothing", "other")
    with pytest.raises(InvalidRequest):
        store.copy("mine", "default")


def test_the_default_is_the_newest_of_its_kind(
    store: ModelStore, file: Path, tmp_path: Path
) -> None:
    assert store.default(Kind.CHAT).name == "llmd-tiny"
    store.register(file, "first")
    store.register(write(tmp_path / "b.gguf"), "second")
    assert store.default(Kind.CHAT).name == "second"


def test_without_an_embedding_model_the_default_says_how_to_get_one(
    store: ModelStore, embedding_model: Path
) -> None:
    with pytest.raises(ModelNotFound, match="no embedding model") as failure:
        store.default(Kind.EMBEDDING)
    assert "llmd pull all-minilm" in failure.value.hint
    store.register(embedding_model, "minilm")
    assert store.default(Kind.EMBEDDING).name == "minilm"
    assert store.default(Kind.CHAT).name == "llmd-tiny"


def test_damaged_manifests_are_passed_over_and_reported_once(
    store: ModelStore, file: Path, tmp_path: Path
) -> None:
    store.register(file)
    (tmp_path / "models" / "broken.json").write_text("{")
    (tmp_path / "models" / ".writing-abc").write_text("{")
    with capture_logs() as logs:
        assert names(store) == ["llmd-tiny", "mine"]
        assert names(store) == ["llmd-tiny", "mine"]
    assert [log["path"] for log in logs] == [str(tmp_path / "models" / "broken.json")]
    assert store.register(file, "broken").name == "broken"
    assert "broken" in names(store)


def test_manifests_are_plain_json(store: ModelStore, file: Path, tmp_path: Path) -> None:
    store.register(file, "acme/m:Q8_0")
    (record,) = (tmp_path / "models").glob("*.json")
    assert record.name == "acme%2Fm%3AQ8_0.json"
    assert json.loads(record.read_text())["context_length"] == 4096


def test_a_quicker_process_keeps_the_name(
    store: ModelStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(tmp_path / "other.gguf")
    ModelStore(tmp_path / "models", Path(store.builtin().path)).register(other, "m")
    monkeypatch.setattr(store, "_holder", lambda _: None)
    with pytest.raises(NameTaken):
        store.register(file, "m")
    assert store.get("m").path == str(other)


def test_a_store_survives_its_folder_being_deleted(
    store: ModelStore, file: Path, tmp_path: Path
) -> None:
    store.register(file)
    shutil.rmtree(tmp_path / "models")
    assert len(store.list()) == 1
    store.register(file)
    assert len(store.list()) == 2


def test_what_a_user_said_about_a_model_holds_for_its_next_version(
    store: ModelStore, file: Path
) -> None:
    adapter = AdapterFile("poet", "/poet.gguf")
    store.register(file)
    store.change("mine", lambda model: with_adapter(pooled(model, Pooling.LAST), adapter))
    again = store.register(file)
    assert (again.adapters, again.pooling, again.kind) == ([adapter], Pooling.LAST, Kind.EMBEDDING)
    assert store.get("mine") == again


def test_the_builtin_model_has_no_manifest_to_change(store: ModelStore) -> None:
    with pytest.raises(InvalidRequest, match="llmd cp"):
        store.change("llmd-tiny", lambda model: model)


def test_a_reranker_is_known_by_its_file(store: ModelStore, reranker_model: Path) -> None:
    with pytest.raises(ModelNotFound, match="no reranker yet"):
        store.default(Kind.RERANK)
    store.register(reranker_model)
    assert store.default(Kind.RERANK).name == "ranker"


def test_a_model_is_registered_with_the_projector_beside_it(
    store: ModelStore, vision_files: VisionFiles, tmp_path: Path
) -> None:
    path, projector = vision_files("tiled")
    model = store.register(path)
    assert (model.projector, model.vision, model.audio) == (str(projector), True, False)
    assert model.files == [str(path), str(projector)]
    assert model.size == path.stat().st_size + projector.stat().st_size
    plain = store.register(path, projector="none")
    assert (plain.projector, plain.vision, plain.files) == ("", False, [str(path)])
    alone = tmp_path / "alone.gguf"
    shutil.copy(path, alone)
    assert store.register(alone).projector == ""
    assert store.register(alone, projector=str(projector)).vision
    with pytest.raises(InvalidRequest, match="is no projector"):
        store.register(alone, projector=str(path))


def test_removing_a_fetched_model_removes_its_projector_too(
    store: ModelStore, vision_files: VisionFiles, tmp_path: Path
) -> None:
    copies = [Path(shutil.copy(path, tmp_path)) for path in vision_files("both")]
    model = store.register(copies[0], "mine", owned=True)
    assert model.audio
    copies[1].rename(tmp_path / "elsewhere")
    with pytest.raises(ModelNotFound, match="mmproj"):
        store.get("mine")
    (tmp_path / "elsewhere").rename(copies[1])
    store.remove("mine")
    assert not any(path.exists() for path in copies)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("hf://acme/m/m.gguf", "llmd pull hf://acme/m/m.gguf"),
        ("ollama://qwen2:0.5b", "llmd pull ollama://qwen2:0.5b"),
        ("modelscope://acme/m/m.gguf", "llmd pull modelscope://acme/m/m.gguf"),
        ("ollama://models.example.com/team/m:1", "Put the file back"),
        ("lm-studio://acme/m/m.gguf", "Put the file back"),
        ("quantized://big:F16", "llmd quantize big:F16 F32"),
        ("llama.cpp://acme_m_m.gguf", "Put the file back"),
    ],
)
def test_a_file_that_is_gone_comes_back_from_where_it_came(
    store: ModelStore, file: Path, source: str, hint: str
) -> None:
    store.register(file, "m", source)
    file.unlink()
    with pytest.raises(ModelNotFound) as failure:
        store.get("m")
    assert hint in failure.value.hint


def test_weights_that_are_no_gguf_are_told_how_to_become_it(
    store: ModelStore, tmp_path: Path
) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "model.safetensors").write_bytes(b"{}")
    for path in (tmp_path / "hub", tmp_path / "hub" / "model.safetensors"):
        with pytest.raises(UnsupportedFormat, match="safetensors") as failure:
            store.register(path)
        assert "convert_hf_to_gguf.py" in failure.value.hint


def test_a_derived_model_shares_the_files_and_has_a_name_of_its_own(
    store: ModelStore, file: Path
) -> None:
    base = store.register(file, "base", "hf://acme/m/mine.gguf", owned=True)

    def preset(model: ModelManifest) -> ModelManifest:
        return msgspec.structs.replace(model, preset=Preset(base=model.name, system="s"))

    made = store.derive(base, "mine", preset)
    assert (made.files, made.source, made.owned) == (base.files, base.source, True)
    assert store.get("mine").preset.system == "s"
    with pytest.raises(NameTaken):
        store.derive(base, "base", preset)
    with pytest.raises(NameTaken):
        store.derive(made, "MINE", preset)
    assert store.derive(base, "MINE", preset).name == "mine"
    removed = store.remove("base")
    assert (removed.freed, removed.used_by) == (0, ["mine"])
    assert store.remove("mine").freed == base.size
    with pytest.raises(ModelNotFound):
        store.derive(base, "late", preset)


def test_a_preset_is_never_the_default_by_itself(store: ModelStore, file: Path) -> None:
    base = store.register(file, "base")
    store.derive(
        base, "newer", lambda model: msgspec.structs.replace(model, preset=Preset(base="base"))
    )
    assert store.default(Kind.CHAT).name == "base"


def test_pulling_a_base_again_leaves_presets_with_what_they_have(
    store: ModelStore, tmp_path: Path
) -> None:
    old, new = write(tmp_path / "old.gguf"), write(tmp_path / "new.gguf")
    base = store.register(old, "m", "hf://acme/m/m.gguf", owned=True)
    store.derive(base, "p", lambda m: msgspec.structs.replace(m, preset=Preset(base="m")))
    assert store.register(new, "m", "hf://acme/m/m.gguf", owned=True).path == str(new)
    assert store.get("p").path == str(old)
    with pytest.raises(NameTaken):
        store.register(new, "p", "hf://acme/m/m.gguf")


def test_what_a_source_gives_along_is_kept_and_users_wishes_survive(
    store: ModelStore, file: Path
) -> None:
    sampling = SamplingDefaults(temperature=0.6)
    given = Provided(preset=Preset(sampling=sampling), digests={str(file): "ab" * 32})
    assert store.register(file, "m", provided=given).preset.sampling == sampling
    assert store.get("m").digests == {str(file): "ab" * 32}
    options = LoadOptions(context_length=7)
    store.change("m", lambda m: msgspec.structs.replace(m, options=options, draft="small"))
    again = store.register(file, "m")
    assert (again.options, again.draft, again.preset.sampling) == (options, "small", sampling)
    assert again.digests == {}, "nobody knows the new content"


def test_a_source_that_gives_other_things_along_changes_only_what_nobody_changed(
    store: ModelStore, file: Path
) -> None:
    def given(temperature: float, terms: str, context: int) -> Provided:
        sampling = SamplingDefaults(temperature=temperature, top_p=0.9)
        preset = Preset(sampling=sampling, template="{{ old }}", license=terms)
        return Provided(preset=preset, options=LoadOptions(context_length=context, parallel=2))

    store.register(file, "m", provided=given(0.6, "MIT", 4096))

    def house_rules(model: ModelManifest) -> ModelManifest:
        sampling = msgspec.structs.replace(model.preset.sampling, temperature=0.1)
        preset = msgspec.structs.replace(model.preset, system="Be brief.", sampling=sampling)
        options = msgspec.structs.replace(model.options, parallel=7)
        return msgspec.structs.replace(model, preset=preset, options=options)

    store.change("m", house_rules)
    for terms, context in (("MIT", 4096), ("Apache-2.0", 8192)):
        again = store.register(file, "m", provided=given(0.7, terms, context))
        assert again.preset.sampling == SamplingDefaults(temperature=0.1, top_p=0.9)
        assert (again.preset.system, again.preset.license) == ("Be brief.", terms)
        assert again.options == LoadOptions(context_length=context, parallel=7)


def test_removing_a_draft_model_says_whom_it_makes_slower(store: ModelStore, file: Path) -> None:
    store.register(file, "m")
    store.copy("m", "small")
    store.change("m", lambda model: msgspec.structs.replace(model, draft="small"))
    assert store.remove("small").drafted_for == ["m"]
    assert store.remove("m").drafted_for == []


def test_a_file_that_a_damaged_record_names_is_not_deleted(
    store: ModelStore, file: Path, tmp_path: Path
) -> None:
    store.register(file, "m", "hf://acme/m/m.gguf", owned=True)
    store.copy("m", "second")
    record = tmp_path / "models" / "second.json"
    record.write_text(record.read_text().replace('"chat"', '"dream"'))
    assert [damaged.path for damaged in store.damaged()] == [record]
    assert store.remove("m").freed == 0
    assert file.exists()


def test_a_name_is_free_for_what_may_be_registered_under_it(store: ModelStore, file: Path) -> None:
    store.check_free("mine", "https://host/mine.gguf", "")
    model = store.register(file, "Mine", "https://host/mine.gguf")
    store.check_free("mine", model.source, "")
    store.check_free("mine", "hf://a/b", model.path)
    for name in ("mine", "LLMD-tiny"):
        with pytest.raises(NameTaken):
            store.check_free(name, "hf://a/b", "/other.gguf")
