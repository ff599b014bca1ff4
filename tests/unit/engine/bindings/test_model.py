"""Figures and metadata of a loaded file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as lib
import pytest

from llmd.engine.bindings import Model, Place, start_backend
from llmd.engine.footprint import Footprint, Section
from tests.fakes.rerankers import write_decoder
from tests.fakes.sparse_models import write_sparse_model


@pytest.fixture(scope="module")
def moe_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mixture of experts in four layers."""
    path = tmp_path_factory.mktemp("moe") / "moe.gguf"
    return write_sparse_model(path, "moe", quantization="Q4_0")


def test_model_figures(model: Model, tiny_model: Path) -> None:
    assert model.trained_context == 2048
    assert model.layers == 4
    assert model.width == 256
    assert model.has_decoder
    assert 0 < model.size < tiny_model.stat().st_size
    assert model.metadata("general.architecture") == "qwen2"
    assert model.metadata("no.such.key") is None
    assert len(model.metadata("tokenizer.chat_template") or "") > 256
    assert "im_start" in (model.chat_template() or "")
    # 4 KV heads of width 32, keys and values, two bytes each
    assert model.kv_bytes_per_token("f16") == model.layers * 4 * 32 * 2 * 2
    assert model.kv_bytes_per_token("q8_0") < model.kv_bytes_per_token("f16")


def test_a_reranker_has_labels_and_a_template_for_pairs(model: Model, tmp_path: Path) -> None:
    assert model.labels == 1
    assert model.chat_template("rerank") is None
    ranker = Model.load(
        str(write_decoder(tmp_path / "r.gguf")), gpu_layers=0, progress=lambda _: None
    )
    assert ranker
    assert ranker.labels == 2
    assert "{document}" in (ranker.chat_template("rerank") or "")
    ranker.close()


def log_of(path: Path, **place: Any) -> list[str]:
    """Load a model and return what llama.cpp said."""
    lines: list[str] = []
    start_backend(lambda _, text: lines.append(text))
    model = Model.load(str(path), gpu_layers=0, progress=lambda _: None, place=Place(**place))
    start_backend(lambda *_: None)
    assert model
    model.close()
    return lines


def buffers(path: Path, **place: Any) -> dict[str, int]:
    """Return where its weights went."""
    found = Footprint()
    for line in log_of(path, **place):
        found.take(line)
    return found.sizes(Section.MODEL, "model")


def test_weights_are_mapped_or_read_as_told(moe_model: Path) -> None:
    assert "CPU_Mapped" in buffers(moe_model)
    assert "CPU_Mapped" not in buffers(moe_model, mmap=False)
    assert "CPU_Mapped" in buffers(moe_model, mlock=True)
    assert "CPU_Mapped" not in buffers(moe_model, mmap=False, mlock=True)


def test_the_ways_to_load_are_llama_cpps() -> None:
    modes = (
        lib.LLAMA_LOAD_MODE_NONE,
        lib.LLAMA_LOAD_MODE_MMAP,
        lib.LLAMA_LOAD_MODE_MLOCK,
        lib.LLAMA_LOAD_MODE_MMAP_MLOCK,
    )
    assert modes == (0, 1, 2, 3)
    assert lib.llama_max_devices() >= 1


def test_a_split_without_gpus_changes_nothing(moe_model: Path) -> None:
    assert buffers(moe_model, tensor_split=[3.0, 1.0]) == buffers(moe_model)


def test_the_experts_of_the_first_layers_are_kept_on_the_cpu(moe_model: Path) -> None:
    for layers in (0, 1, 3):
        kept = [
            line.split()[1] for line in log_of(moe_model, cpu_moe=layers) if "overridden" in line
        ]
        assert sorted(kept) == [
            f"blk.{layer}.ffn_{part}_exps.weight"
            for layer in range(layers)
            for part in ("down", "gate", "up")
        ]
