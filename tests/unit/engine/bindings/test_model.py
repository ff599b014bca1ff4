"""Figures and metadata of a loaded file."""

from __future__ import annotations

from pathlib import Path

from llmd.engine.bindings import Model
from tests.fakes.rerankers import write_decoder


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
