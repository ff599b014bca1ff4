"""What a survey says of everything four tools can have."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from llmd.models.adoption import adopting, survey
from llmd.models.adoption.survey import judge, search
from llmd.models.store import ModelStore
from llmd.protocol.adoption import Finding, Keep, Place, Standing, Survey, Tool
from tests.fakes import tool_stores
from tests.fakes.gguf import write, write_split
from tests.fakes.random_adapter import write_adapter
from tests.fakes.tool_stores import OllamaDirectory

VisionFiles = Callable[[str], tuple[Path, Path]]


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "llmd", tiny_model)


def place(tool: Tool, path: Path) -> Place:
    return Place(tool, str(path))


def look(store: ModelStore, *places: Place) -> Survey:
    return judge(places, store.list())[1]


def by_name(found: Survey) -> dict[str, Finding]:
    assert len({finding.name for finding in found.findings}) == len(found.findings)
    return {finding.name: finding for finding in found.findings}


def test_a_find_is_described_by_its_header(store: ModelStore, tmp_path: Path) -> None:
    tool_stores.place(write(tmp_path / "m.gguf"), tmp_path / "lm/acme/m/m-F32.gguf")
    (finding,) = look(store, place(Tool.LM_STUDIO, tmp_path / "lm")).findings
    assert finding == Finding(
        tool=Tool.LM_STUDIO,
        path=f"{tmp_path}/lm/acme/m/m-F32.gguf",
        standing=Standing.NEW,
        name="acme/m:F32",
        size=(tmp_path / "m.gguf").stat().st_size,
        kind="chat",
        architecture="llama",
        parameters=64,
        quantization="F32",
    )


def test_a_split_model_is_one_and_an_incomplete_one_is_refused(
    store: ModelStore, tmp_path: Path
) -> None:
    parts = write_split(tmp_path / "whole")
    write_split(tmp_path / "broken")[1].unlink()
    whole, broken = look(
        store, place(Tool.FOLDER, tmp_path / "whole"), place(Tool.FOLDER, tmp_path / "broken")
    ).findings
    assert (whole.name, whole.parts) == ("big-Q8_0", 3)
    assert whole.size == sum(part.stat().st_size for part in parts)
    assert broken.standing is Standing.REFUSED
    assert "00002-of-00003.gguf not found" in broken.reason


def test_damaged_and_foreign_files_are_listed_with_the_reason(
    store: ModelStore, tmp_path: Path
) -> None:
    write(tmp_path / "whole.gguf")
    (tmp_path / "cut.gguf").write_bytes((tmp_path / "whole.gguf").read_bytes()[:-100])
    (tmp_path / "text.gguf").write_text("hello")
    (tmp_path / "gone.gguf").symlink_to("nowhere")
    (tmp_path / "folder.gguf").mkdir()
    os.mkfifo(tmp_path / "pipe.gguf")
    write(tmp_path / "odd.gguf", {"general.architecture": "quantum"})
    write(tmp_path / "imatrix.gguf", {"general.type": "imatrix"})
    found = by_name(look(store, place(Tool.FOLDER, tmp_path)))
    assert found["whole"].standing is Standing.NEW
    reasons = {
        name: finding.reason
        for name, finding in found.items()
        if finding.standing is Standing.REFUSED
    }
    assert "truncated" in reasons["cut"]
    assert "not a usable GGUF" in reasons["text"]
    assert "No such file" in reasons["gone"]
    assert "not a file" in reasons["pipe"]
    assert "does not know" in reasons["odd"]
    assert "importance matrix" in reasons["imatrix"]


def test_one_file_by_several_names_is_one_model(store: ModelStore, tmp_path: Path) -> None:
    file = write(tmp_path / "a.gguf")
    os.link(file, tmp_path / "b.gguf")
    (tmp_path / "c.gguf").symlink_to("a.gguf")
    found = by_name(look(store, place(Tool.FOLDER, tmp_path)))
    assert found["a"].standing is Standing.NEW
    assert [(found[name].standing, found[name].of) for name in "bc"] == [
        (Standing.DUPLICATE, "a"),
        (Standing.DUPLICATE, "a"),
    ]


def test_the_same_bytes_in_two_caches_are_known_by_their_digest(
    store: ModelStore, tmp_path: Path
) -> None:
    file = write(tmp_path / "m.gguf")
    OllamaDirectory(tmp_path / "ollama").add("m:1", {"model": file.read_bytes()})
    tool_stores.hub_cache(tmp_path / "hub", "acme/m", file, "m-F32.gguf")
    found = by_name(
        look(
            store,
            place(Tool.OLLAMA, tmp_path / "ollama"),
            place(Tool.HUGGING_FACE, tmp_path / "hub"),
        )
    )
    assert found["m:1"].standing is Standing.NEW
    assert found["acme/m:F32"].of == "m:1"


def test_one_file_under_two_system_prompts_is_two_models(store: ModelStore, tmp_path: Path) -> None:
    weights = write(tmp_path / "m.gguf").read_bytes()
    directory = OllamaDirectory(tmp_path / "ollama")
    directory.add("cook:1", {"model": weights, "system": b"You cook."})
    directory.add("poet:1", {"model": weights, "system": b"You rhyme."})
    directory.add("poet:latest", {"model": weights, "system": b"You rhyme."})
    directory.add("raw:1", {"model": weights})
    found = by_name(look(store, place(Tool.OLLAMA, directory.root)))
    assert [found[name].standing for name in ("cook:1", "poet:1", "poet:latest", "raw:1")] == [
        Standing.NEW,
        Standing.NEW,
        Standing.DUPLICATE,
        Standing.DUPLICATE,
    ]
    assert found["poet:latest"].of == "poet:1"
    assert found["poet:1"].preset


def test_what_is_registered_is_told_by_its_name(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    store.register(write(tmp_path / "models/m.gguf"), "mine")
    (finding,) = look(store, place(Tool.FOLDER, tmp_path / "models")).findings
    assert (finding.standing, finding.of) == (Standing.REGISTERED, "mine")


def test_a_name_that_is_taken_gets_the_tool_behind_it(store: ModelStore, tmp_path: Path) -> None:
    store.register(write(tmp_path / "other.gguf"), "m:1")
    weights = write(tmp_path / "m.gguf", {"llama.context_length": 7}).read_bytes()
    OllamaDirectory(tmp_path / "ollama").add("m:1", {"model": weights})
    (finding,) = look(store, place(Tool.OLLAMA, tmp_path / "ollama")).findings
    assert finding.name == "m:1@ollama"


def test_two_files_of_one_name_get_numbers(store: ModelStore, tmp_path: Path) -> None:
    for number, folder in enumerate(("a", "b", "c")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "m.gguf", {"llama.context_length": number + 1})
    found = by_name(look(store, place(Tool.FOLDER, tmp_path)))
    assert list(found) == ["m", "m@folder", "m@folder-2"]


def test_a_projector_beside_a_model_comes_along(
    store: ModelStore, tmp_path: Path, vision_files: VisionFiles
) -> None:
    model, projector = vision_files("tiled")
    tool_stores.place(model, tmp_path / "lm/acme/eye/eye-F32.gguf")
    tool_stores.place(projector, tmp_path / "lm/acme/eye/mmproj-eye-F16.gguf")
    (finding,) = look(store, place(Tool.LM_STUDIO, tmp_path / "lm")).findings
    assert finding.vision
    assert finding.size == model.stat().st_size + projector.stat().st_size


def test_a_projector_and_an_adapter_of_ollamas_come_along(
    store: ModelStore, tmp_path: Path, vision_files: VisionFiles, tiny_model: Path
) -> None:
    model, projector = vision_files("tiled")
    directory = OllamaDirectory(tmp_path / "ollama")
    directory.add("eye:1", {"model": model.read_bytes(), "projector": projector.read_bytes()})
    lora = write_adapter(tmp_path / "poet.gguf", tiny_model).read_bytes()
    directory.add("poet:1", {"model": tiny_model.read_bytes(), "adapter": lora})
    directory.add("wrong:1", {"model": model.read_bytes(), "adapter": lora})
    judged, found = judge([place(Tool.OLLAMA, directory.root)], [])
    findings = by_name(found)
    assert findings["eye:1"].vision
    (poet,) = [one for one in judged if one.find.name == "poet:1"]
    assert [(adapter.name, adapter.default) for adapter in poet.adapters] == [("adapter-1", True)]
    assert findings["wrong:1"].standing is not Standing.NEW


def test_places_that_are_not_there_are_no_trouble(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent", tmp_path / "file"):
        for tool in Tool:
            assert search(place(tool, path)) == ([], "")


def test_a_place_that_cannot_be_read_is_told_and_does_not_stop_the_others(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ollama/manifests").mkdir(parents=True)

    def refuse(root: Path) -> None:
        raise PermissionError(13, "Permission denied", str(root))

    monkeypatch.setattr(survey.ollama, "finds", refuse)
    (tmp_path / "models").mkdir()
    write(tmp_path / "models/m.gguf")
    found = look(
        store, place(Tool.OLLAMA, tmp_path / "ollama"), place(Tool.FOLDER, tmp_path / "models")
    )
    assert found.places[0].trouble == f"{tmp_path}/ollama: Permission denied"
    assert (found.places[1].found, found.findings[0].name) == (1, "m")


def test_modelscope_has_had_two_layouts(store: ModelStore, tmp_path: Path) -> None:
    for number, folder in enumerate(("Qwen/Old", "models/Qwen/New2___5")):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder / "m-F32.gguf", {"llama.context_length": number + 1})
    found = by_name(look(store, place(Tool.MODELSCOPE, tmp_path)))
    assert set(found) == {"Qwen/Old:F32", "Qwen/New2.5:F32"}


def test_a_named_folder_may_be_a_store_that_was_moved(store: ModelStore, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    OllamaDirectory(tmp_path / "disk1").add("m:1", {"model": file.read_bytes(), "system": b"x"})
    other = write(tmp_path / "n.gguf", {"llama.context_length": 9})
    tool_stores.hub_cache(tmp_path / "disk2", "acme/n", other, "n-F32.gguf")
    found = by_name(
        look(
            store,
            place(Tool.FOLDER, tmp_path / "disk1"),
            place(Tool.FOLDER, tmp_path / "disk2"),
        )
    )
    assert {name: finding.tool for name, finding in found.items()} == {
        "m:1": Tool.OLLAMA,
        "acme/n:F32": Tool.HUGGING_FACE,
    }


def test_a_copy_is_known_by_where_it_came_from(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    write(tmp_path / "models/m.gguf")
    here = place(Tool.FOLDER, tmp_path / "models")
    ((one,), _) = judge([here], store.list())
    adopting.register(store, one.find, how=Keep.COPY)
    (finding,) = look(store, here).findings
    assert (finding.standing, finding.of) == (Standing.REGISTERED, "m")


def test_a_newer_version_takes_the_name_of_the_older(store: ModelStore, tmp_path: Path) -> None:
    directory = OllamaDirectory(tmp_path / "ollama")
    here = place(Tool.OLLAMA, directory.root)
    for length in (1, 2):
        weights = write(tmp_path / "m.gguf", {"llama.context_length": length}).read_bytes()
        directory.add("m:1", {"model": weights})
        ((one,), found) = judge([here], store.list())
        assert (found.findings[0].standing, found.findings[0].name) == (Standing.NEW, "m:1")
        adopting.register(store, one.find)
    assert store.get("m:1").context_length == 2
    assert len(store.list()) == 2
