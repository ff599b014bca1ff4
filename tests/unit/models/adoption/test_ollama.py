from __future__ import annotations

from pathlib import Path

from llmd.models.adoption import ollama
from llmd.protocol.models import Preset, SamplingDefaults
from llmd.protocol.placement import LoadOptions
from tests.fakes.tool_stores import OllamaDirectory, layer, manifest, sha256


def test_a_model_comes_with_all_its_layers(tmp_path: Path) -> None:
    directory = OllamaDirectory(tmp_path / "models")
    directory.add(
        "poet:7b",
        {
            "model": b"GGUF",
            "projector": b"clip",
            "adapter": b"lora",
            "template": b"{{ .Prompt }}",
            "params": b'{"temperature": 0.1, "num_ctx": 99}',
            "system": b"Rhyme.",
        },
    )
    (find,) = ollama.finds(directory.root)
    blobs = directory.root / "blobs"
    assert (find.name, find.source) == ("poet:7b", "ollama://poet:7b")
    assert find.path == blobs / f"sha256-{sha256(b'GGUF')}"
    assert find.projector == str(blobs / f"sha256-{sha256(b'clip')}")
    assert find.adapters == (blobs / f"sha256-{sha256(b'lora')}",)
    assert find.preset == Preset(system="Rhyme.", sampling=SamplingDefaults(temperature=0.1))
    assert find.options == LoadOptions(context_length=99)
    assert find.digests[str(find.path)] == sha256(b"GGUF")


def test_without_a_projector_none_is_looked_for_among_blobs(tmp_path: Path) -> None:
    directory = OllamaDirectory(tmp_path / "models")
    directory.add("m:1", {"model": b"GGUF"})
    (find,) = ollama.finds(directory.root)
    assert find.projector == "none"


def test_latest_comes_last_since_it_is_mostly_a_second_name(tmp_path: Path) -> None:
    directory = OllamaDirectory(tmp_path / "models")
    for tag in ("latest", "7b", "q4"):
        directory.add(f"m:{tag}", {"model": b"GGUF"})
    assert [find.name for find in ollama.finds(directory.root)] == ["m:7b", "m:q4", "m:latest"]


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    directory = OllamaDirectory(tmp_path / "models")
    directory.manifest("damaged:1", b"{")
    directory.manifest("gone:1", manifest([layer("model", b"never written")]))
    directory.manifest("cloud:1", manifest([]))
    troubles = {find.name: find.trouble for find in ollama.finds(directory.root)}
    assert "no manifest of a model" in troubles["damaged:1"]
    assert "missing or incomplete" in troubles["gone:1"]
    assert "Ollama's servers" in troubles["cloud:1"]
