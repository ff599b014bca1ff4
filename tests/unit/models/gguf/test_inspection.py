"""What can be served, and how it is described."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, NotFound, UnsupportedArchitecture
from llmd.models.gguf.inspection import inspect
from llmd.protocol.models import Kind
from tests.fakes.gguf import write, write_split


def test_the_builtin_model_is_described(tiny_model: Path) -> None:
    found = inspect(tiny_model)
    assert found.files == (tiny_model,)
    assert found.size == tiny_model.stat().st_size
    assert found.architecture == "qwen2"
    assert found.kind is Kind.CHAT
    assert found.quantization == "Q8_0"
    assert found.context_length == 2048
    assert found.has_chat_template
    assert 3_000_000 < found.parameters < 6_000_000


def test_an_embedding_model_is_known_as_one(embedding_model: Path) -> None:
    found = inspect(embedding_model)
    assert found.kind is Kind.EMBEDDING
    assert found.context_length == 512
    assert not found.has_chat_template


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 3}, Kind.EMBEDDING),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 0}, Kind.CHAT),
        ({"general.architecture": "gemma-embedding"}, Kind.EMBEDDING),
        ({"general.architecture": "jina-bert-v3"}, Kind.EMBEDDING),
    ],
)
def test_pooling_or_an_encoder_makes_an_embedding_model(
    tmp_path: Path, values: dict[str, object], kind: Kind
) -> None:
    assert inspect(write(tmp_path / "m.gguf", values)).kind is kind


@pytest.mark.parametrize(
    ("declared", "name"), [(15, "Q4_K_M"), (1024 + 7, "Q8_0"), (999, "F32"), ("x", "F32")]
)
def test_a_quantisation_that_is_not_declared_is_taken_from_the_tensors(
    tmp_path: Path, declared: object, name: str
) -> None:
    assert inspect(write(tmp_path / "m.gguf", {"general.file_type": declared})).quantization == name


def test_a_truncated_file_names_both_sizes(tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny_model.read_bytes()[:-1000])
    with pytest.raises(CorruptFile, match="truncated") as failure:
        inspect(path)
    assert failure.value.details["needed"] - failure.value.details["present"] == 1000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"general.architecture": "hovercraft"}, "'hovercraft', which llama.cpp does not know"),
        ({"general.architecture": "clip"}, "projector"),
        ({"general.type": "adapter"}, "LoRA adapter"),
        ({"general.type": "mmproj"}, "projector"),
    ],
)
def test_what_llama_cpp_cannot_serve_is_refused(
    tmp_path: Path, values: dict[str, object], words: str
) -> None:
    with pytest.raises(UnsupportedArchitecture, match=words) as failure:
        inspect(write(tmp_path / "m.gguf", values))
    assert failure.value.hint


@pytest.mark.parametrize("architecture", ["", 7])
def test_a_file_without_an_architecture_is_damaged(tmp_path: Path, architecture: object) -> None:
    with pytest.raises(CorruptFile, match="which architecture"):
        inspect(write(tmp_path / "m.gguf", {"general.architecture": architecture}))


def test_a_vocabulary_alone_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match="no weights"):
        inspect(write(tmp_path / "m.gguf", tensors=0))


def test_the_first_part_brings_all_parts(tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    found = inspect(parts[0])
    assert found.files == tuple(parts)
    assert found.size == sum(part.stat().st_size for part in parts)
    assert found.parameters == 3 * 2 * 64


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    parts[1].unlink()
    with pytest.raises(CorruptFile, match=parts[1].name):
        inspect(parts[0])


def test_a_truncated_later_part_is_found(tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    parts[2].write_bytes(parts[2].read_bytes()[:-1])
    with pytest.raises(CorruptFile, match=f"{parts[2].name} is truncated"):
        inspect(parts[0])


def test_a_later_part_points_to_the_first(tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    with pytest.raises(CorruptFile, match="part 2") as failure:
        inspect(parts[1])
    assert parts[0].name in failure.value.hint


def test_what_is_no_file_is_not_found(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    for path in (tmp_path / "absent.gguf", tmp_path, pipe):
        with pytest.raises(NotFound):
            inspect(path)


@pytest.mark.parametrize("name", [b"v.k.0.weight", b"mm.0.2weight"])
def test_an_encoder_in_the_models_own_file_is_refused(tmp_path: Path, name: bytes) -> None:
    path = write(tmp_path / "m.gguf", tensors=2)
    path.write_bytes(path.read_bytes().replace(b"blk.1.weight", name))
    with pytest.raises(UnsupportedArchitecture, match="Ollama's engine") as failure:
        inspect(path)
    assert "mmproj" in failure.value.hint
