"""Ollama's directory, as its versions have written it and as it gets damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from llmd.models.ollama import manifest
from llmd.models.ollama.manifest import BadManifest, Layer
from llmd.models.ollama.store import OllamaStore
from tests.fakes.tool_stores import OllamaDirectory, layer, sha256


@pytest.fixture
def directory(tmp_path: Path) -> OllamaDirectory:
    return OllamaDirectory(tmp_path / "models")


def test_names_are_those_that_ollama_shows(directory: OllamaDirectory) -> None:
    for name in (
        "qwen2:0.5b",
        "registry.ollama.ai/someone/poet:latest",
        "hf.co/acme/tiny-GGUF:Q8_0",
        "models.example.com/team/private:v1",
    ):
        directory.add(name, {"model": b"GGUF"})
    found = {entry.name: entry.source for entry in OllamaStore(directory.root).entries()}
    assert found == {
        "acme/tiny-GGUF:Q8_0": "ollama://hf.co/acme/tiny-GGUF:Q8_0",
        "models.example.com/team/private:v1": "ollama://models.example.com/team/private:v1",
        "qwen2:0.5b": "ollama://qwen2:0.5b",
        "someone/poet:latest": "ollama://someone/poet:latest",
    }


def test_links_to_blobs_come_before_manifests_of_the_old_kind(directory: OllamaDirectory) -> None:
    directory.add("m:1", {"model": b"old"})
    new = directory.blob(json.dumps({"layers": [layer("model", b"newer")]}).encode())
    link = directory.root / "manifests-v2/registry.ollama.ai/library/m/1"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(new, link.parent))
    store = OllamaStore(directory.root)
    (entry,) = store.entries()
    assert manifest.parts(store.manifest(entry)).model.size == 5


def test_a_list_leads_to_a_manifest_that_is_a_blob(directory: OllamaDirectory) -> None:
    inner = directory.blob(json.dumps({"layers": [layer("model", b"GGUF")]}).encode())
    reference = {"runner": "ollama", "digest": inner.name.replace("-", ":")}
    directory.manifest("m:1", json.dumps({"manifests": [reference]}).encode())
    store = OllamaStore(directory.root)
    assert manifest.parts(store.manifest(store.entries()[0])).model.size == 4
    inner.unlink()
    with pytest.raises(BadManifest, match="missing"):
        store.manifest(store.entries()[0])


def test_a_blob_counts_when_it_is_whole(directory: OllamaDirectory) -> None:
    store = OllamaStore(directory.root)
    path = directory.blob(b"12345")
    right = Layer("", f"sha256:{sha256(b'12345')}", 5)
    assert store.blob(right) == path
    assert store.text(right) == b"12345"
    assert store.blob(Layer("", right.digest, 6)) is None
    with pytest.raises(BadManifest, match="too large"):
        store.text(right, largest=4)
    path.rename(path.with_name(path.name.replace("-", ":")))
    assert store.blob(right)
    with pytest.raises(BadManifest, match="missing"):
        store.text(Layer("", "sha256:" + "0" * 64, 5))


def test_a_pipe_or_a_folder_in_place_of_a_blob_is_not_waited_on(
    directory: OllamaDirectory,
) -> None:
    store = OllamaStore(directory.root)
    os.mkfifo(directory.root / "blobs" / f"sha256-{'a' * 64}")
    (directory.root / "blobs" / f"sha256-{'b' * 64}").mkdir()
    folder = directory.root / "manifests/registry.ollama.ai/library/m"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    assert store.blob(Layer("", "sha256:" + "a" * 64)) is None
    assert store.blob(Layer("", "sha256:" + "b" * 64)) is None
    assert store.entries() == []


def test_lost_and_enormous_manifests_are_explained(directory: OllamaDirectory) -> None:
    path = directory.manifest("m:huge", b" " * (5 * 2**20))
    path.with_name("lost").symlink_to("nowhere")
    store = OllamaStore(directory.root)
    reasons = []
    for entry in store.entries():
        with pytest.raises(BadManifest) as failure:
            store.manifest(entry)
        reasons.append(str(failure.value))
    assert "too large" in reasons[0]
    assert "No such file" in reasons[1]


def test_what_may_not_be_listed_is_passed_over_below_the_top(
    directory: OllamaDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.add("m:1", {"model": b"GGUF"})
    directory.add("registry.ollama.ai/private/m:1", {"model": b"GGUF"})
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    refused = "private"
    monkeypatch.setattr(os, "scandir", refusing)
    assert [entry.name for entry in OllamaStore(directory.root).entries()] == ["m:1"]
    refused = "manifests"
    with pytest.raises(PermissionError):
        OllamaStore(directory.root).entries()
