"""llama.cpp's quantiser writes what it is asked for, and its log is what `Narration` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest

from llmd.engine.bindings import Model, start_backend
from llmd.engine.bindings.quantizer import QuantizerOptions, quantize
from llmd.engine.quantizing import Narration, Step
from llmd.models.gguf.header import read_header
from llmd.models.quantization import TYPES, find
from tests.fakes.imatrix import columns
from tests.fakes.split_model import split

Listen = Callable[..., Narration]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Return a function that gives what the log tells from then on."""
    heard: list[Narration] = [Narration()]

    def hear(level: int, text: str) -> None:
        heard[-1](level, text)

    start_backend(hear)

    def fresh(observe: Callable[[Step], None] | None = None) -> Narration:
        heard.append(Narration(observe))
        return heard[-1]

    yield fresh
    start_backend(lambda *_: None)


def types_of(path: Path) -> dict[str, str]:
    return {tensor.name: tensor.type.name for tensor in read_header(path).tensors}


def importance(model: Path) -> dict[str, np.ndarray]:
    return {
        name: np.linspace(1, 2, size, dtype=np.float32) for name, size in columns(model).items()
    }


def options(name: str, **fields: object) -> QuantizerOptions:
    return QuantizerOptions(file_type=find(name).file_type, threads=1, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Q8_0", "Q4_0", "Q4_K_M", "IQ4_NL", "BF16"])
def test_a_model_of_each_type_can_be_loaded(
    name: str, f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    steps: list[Step] = []
    told = listen(steps.append)
    target = tmp_path / "模型.gguf"
    assert quantize(str(f16_model), str(target), options(name))
    header = read_header(target)
    assert header.values["general.file_type"] == find(name).file_type
    assert [step.tensor for step in steps] == list(range(1, len(header.tensors) + 1))
    assert {step.name for step in steps} == {tensor.name for tensor in header.tensors}
    size = sum(tensor.size for tensor in header.tensors)
    assert told.size == pytest.approx(size, abs=2**14)
    assert told.done == pytest.approx(size, abs=2**19)
    model = Model.load(str(target), gpu_layers=0, progress=lambda _: None)
    assert model
    model.close()


def test_a_dry_run_tells_sizes_and_writes_nothing(
    f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    told = listen()
    assert quantize(str(f16_model), str(tmp_path / "x.gguf"), options("Q8_0", dry_run=True))
    assert told.bits == pytest.approx(8.5, abs=0.2)
    assert told.converted == {"F16"}
    assert list(tmp_path.iterdir()) == []


def test_which_types_need_an_importance_matrix_is_known(f16_model: Path, listen: Listen) -> None:
    needy = set()
    for kind in TYPES:
        told = listen()
        assert quantize(str(f16_model), "/x", options(kind.name, dry_run=True, requantize=True))
        assert told.size > 0
        if told.needs_imatrix:
            needy.add(kind.name)
    assert needy == {kind.name for kind in TYPES if kind.needs_imatrix}


def test_what_needs_an_importance_matrix_fails_without_and_works_with_one(
    f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    target = tmp_path / "x.gguf"
    told = listen()
    assert not quantize(str(f16_model), str(target), options("IQ2_XXS"))
    assert told.needs_imatrix
    assert "imatrix" in told.failure
    notes = [("quantize.imatrix.file", "wiki.gguf"), ("quantize.imatrix.entries_count", 29)]
    given = options("IQ2_XXS", importance=importance(f16_model), notes=notes)
    assert quantize(str(f16_model), str(target), given)
    values = read_header(target).values
    assert values["quantize.imatrix.file"] == "wiki.gguf"
    assert values["quantize.imatrix.entries_count"] == 29
    assert "IQ2_XXS" in types_of(target).values()


def test_importance_changes_what_is_written(
    f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    plain, weighed = tmp_path / "plain.gguf", tmp_path / "weighed.gguf"
    assert quantize(str(f16_model), str(plain), options("Q4_K_S"))
    given = options("Q4_K_S", importance=importance(f16_model))
    assert quantize(str(f16_model), str(weighed), given)
    assert types_of(plain) == types_of(weighed)
    assert plain.read_bytes() != weighed.read_bytes()


def test_importance_of_another_model_is_told(
    f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    told = listen()
    wrong = {name: values[:32].copy() for name, values in importance(f16_model).items()}
    given = options("Q4_0", importance=wrong)
    assert not quantize(str(f16_model), str(tmp_path / "x.gguf"), given)
    assert "imatrix size 32 is different" in told.failure


def test_types_of_single_tensors_can_be_named(
    f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    target = tmp_path / "x.gguf"
    given = options("Q4_0", token_embedding_type=8, output_tensor_type=8)
    assert quantize(str(f16_model), str(target), given)
    assert types_of(target)["token_embd.weight"] == "Q8_0"


def test_quantised_weights_are_quantised_again_only_where_allowed(
    tiny_model: Path, tmp_path: Path, listen: Listen
) -> None:
    told = listen()
    assert not quantize(str(tiny_model), str(tmp_path / "x.gguf"), options("Q4_0"))
    assert told.failure == "requantizing from type q8_0 is disabled"
    allowed = options("Q4_0", requantize=True, buffer=2**20)
    assert quantize(str(tiny_model), str(tmp_path / "x.gguf"), allowed)


def test_a_model_in_parts_becomes_one_file_or_as_many(
    f16_model: Path, tmp_path: Path, listen: Listen
) -> None:
    first, *_ = split(f16_model, tmp_path / "in")
    (tmp_path / "out").mkdir()
    assert quantize(str(first), str(tmp_path / "out" / "whole.gguf"), options("Q8_0"))
    kept = options("Q8_0", keep_split=True)
    assert quantize(str(first), str(tmp_path / "out" / "m"), kept)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "m-00001-of-00003.gguf",
        "m-00002-of-00003.gguf",
        "m-00003-of-00003.gguf",
        "whole.gguf",
    ]
    whole = read_header(tmp_path / "out" / "whole.gguf")
    assert len(whole.tensors) == len(read_header(f16_model).tensors)
    assert "split.count" not in whole.values


def test_a_full_disk_is_told(f16_model: Path, listen: Listen) -> None:
    told = listen()
    assert not quantize(str(f16_model), "/dev/full", options("Q8_0"))
    assert "iostream error" in told.failure


def test_the_structs_have_the_fields_that_are_filled() -> None:
    fields = {
        kind: {name for name, *_ in kind._fields_}
        for kind in (
            lib.llama_model_quantize_params,
            lib.llama_model_imatrix_data,
            lib.llama_model_kv_override,
        )
    }
    assert fields[lib.llama_model_imatrix_data] == {"name", "data", "size"}
    assert fields[lib.llama_model_kv_override] == {"tag", "key", "value"}
    assert fields[lib.llama_model_quantize_params] == {
        *("nthread", "ftype", "output_tensor_type", "token_embedding_type", "allow_requantize"),
        *("quantize_output_tensor", "only_copy", "pure", "keep_split", "dry_run", "imatrix"),
        *("kv_overrides", "tt_overrides", "prune_layers", "max_buf_size"),
    }
    assert (lib.LLAMA_KV_OVERRIDE_TYPE_INT, lib.LLAMA_KV_OVERRIDE_TYPE_STR) == (0, 3)
