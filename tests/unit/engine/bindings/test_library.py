"""The process-wide bindings: versions, C struct layouts, the log."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp.llama_cpp as lib

from llmd.engine import bindings
from llmd.engine.bindings import Model


def test_the_version_is_the_one_these_structs_belong_to() -> None:
    import llama_cpp

    assert llama_cpp.__version__ == "0.3.36"


def test_structs_have_the_sizes_that_llama_cpp_was_built_with() -> None:
    # C defaults read back through the Python layout: a moved field shows as a wrong value
    model = lib.llama_model_default_params()
    assert (model.n_gpu_layers, model.vocab_only, model.check_tensors, model.use_extra_bufts) == (
        -1,
        False,
        False,
        True,
    )
    context = lib.llama_context_default_params()
    assert (context.n_ctx, context.n_batch, context.n_ubatch, context.n_seq_max) == (
        512,
        2048,
        512,
        1,
    )
    assert (context.type_k, context.type_v) == (lib.GGML_TYPE_F16, lib.GGML_TYPE_F16)
    assert (context.embeddings, context.offload_kqv, context.no_perf, context.kv_unified) == (
        False,
        True,
        True,
        False,
    )
    assert ctypes.sizeof(lib.llama_token_data) == bindings.CANDIDATE.itemsize == 12


def test_system_info_names_the_cpu() -> None:
    assert "CPU" in bindings.system_info()


def test_the_log_goes_through_our_callback(tmp_path: Path) -> None:
    lines: list[tuple[int, str]] = []
    bindings.start_backend(lambda level, text: lines.append((level, text)))
    assert Model.load(str(tmp_path / "missing.gguf"), gpu_layers=0, progress=lambda _: None) is None
    bindings.start_backend(lambda *_: None)
    assert any(level == 4 and "missing.gguf" in text for level, text in lines)
