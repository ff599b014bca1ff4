from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmd.models.gguf.description import (
    Description,
    Sort,
    describe,
    template_names,
    template_text,
)
from llmd.models.gguf.header import Header, read_header
from llmd.models.gguf.reading import read_model
from tests.fakes.gguf import write


def told(tmp_path: Path, values: dict[str, Any], **options: Any) -> Description:
    path = write(tmp_path / "m.gguf", values, **options)
    return describe([read_header(path)], path)


def test_the_builtin_model_is_described(tiny_model: Path) -> None:
    found = read_model(tiny_model).description
    assert (found.sort, found.version, found.quantization) == (Sort.MODEL, 3, "Q8_0")
    assert 8.4 < found.bits_per_weight < 8.6
    assert [share.name for share in found.types] == ["Q8_0", "F32"]
    assert [share.name for share in found.roles] == [
        "embedding",
        "attention",
        "feed_forward",
        "norms",
    ]
    facts = read_model(tiny_model).facts
    assert sum(share.size for share in found.roles) == facts.weights
    assert sum(share.parameters for share in found.types) == facts.parameters
    assert found.templates == ["default"]
    assert found.causal


def test_an_encoder_tells_how_it_pools(embedding_model: Path) -> None:
    found = read_model(embedding_model).description
    assert (found.pooling, found.causal, found.templates) == ("mean", False, [])


@pytest.mark.parametrize(
    ("values", "tensors", "sort"),
    [
        ({}, 1, Sort.MODEL),
        ({}, 0, Sort.VOCABULARY),
        ({"general.architecture": "clip"}, 1, Sort.PROJECTOR),
        ({"general.type": "mmproj"}, 1, Sort.PROJECTOR),
        ({"general.type": "adapter"}, 1, Sort.ADAPTER),
        ({"general.type": "imatrix"}, 1, Sort.IMATRIX),
        ({"general.architecture": "hovercraft"}, 1, Sort.UNKNOWN),
        ({"general.architecture": 7}, 1, Sort.UNKNOWN),
        ({"general.type": "poem"}, 1, Sort.MODEL),
    ],
)
def test_files_of_every_sort_are_told_apart(
    tmp_path: Path, values: dict[str, Any], tensors: int, sort: Sort
) -> None:
    found = told(tmp_path, values, tensors=tensors)
    assert found.sort is sort
    assert bool(found.quantization) == bool(tensors)


@pytest.mark.parametrize(
    ("values", "scaling", "factor"),
    [
        ({}, "none", 0.0),
        ({"llama.rope.scaling.factor": 1.0}, "none", 0.0),
        ({"llama.rope.scaling.factor": 4.0}, "linear", 4.0),
        ({"llama.rope.scale_linear": 2.0}, "linear", 2.0),
        ({"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0}, "yarn", 4.0),
        ({"llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4.0}, "none", 0.0),
        ({"llama.rope.scaling.type": "longrope"}, "longrope", 0.0),
    ],
)
def test_stretched_contexts_are_told(
    tmp_path: Path, values: dict[str, Any], scaling: str, factor: float
) -> None:
    positions = told(tmp_path, {**values, "llama.rope.freq_base": 5e5}).positions
    assert (positions.scaling, positions.factor, positions.base) == (scaling, factor, 5e5)


def test_the_original_context_is_told(tmp_path: Path) -> None:
    key = "llama.rope.scaling.original_context_length"
    assert told(tmp_path, {key: 8192}).positions.original_context == 8192


def test_templates_have_names() -> None:
    values = {
        "tokenizer.chat_template": "a",
        "tokenizer.chat_template.tool_use": "b",
        "tokenizer.chat_template.rag": "c",
    }
    header = Header(3, values, (), 0, 0)
    assert template_names(header) == ["default", "rag", "tool_use"]
    assert template_text(header) == "a"
    assert template_text(header, "tool_use") == "b"
    assert template_text(header, "poem") is None
    assert template_text(Header(3, {"tokenizer.chat_template": 7}, (), 0, 0)) is None


def test_a_pooling_of_minus_one_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, {"llama.pooling_type": 2**32 - 1}).pooling == ""
    assert told(tmp_path, {"llama.pooling_type": 3}).pooling == "last"
    assert told(tmp_path, {"llama.pooling_type": 4}).pooling == "rank"


def test_labels_of_a_head_are_counted(tmp_path: Path) -> None:
    labels = ["no", "yes"]
    assert told(tmp_path, {"llama.classifier.output_labels": labels}).labels == 2
