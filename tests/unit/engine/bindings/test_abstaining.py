"""Samplers that choose nothing, in a real context."""

from __future__ import annotations

import ctypes

import llama_cpp.llama_cpp as lib
import numpy as np

from llmd.engine.bindings import Batch, Context, Model
from llmd.engine.bindings.abstaining import (
    Abstaining,
    can_give_back,
    give_back_rows,
    rows_of,
    size_of,
    tensor_of,
)
from tests.unit.engine.bindings.conftest import SHAPE


def made(model: Model, abstaining: Abstaining) -> Context:
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_seq_max = 512, 128, SHAPE.sequences
    params.n_outputs_max, params.kv_unified = SHAPE.outputs, True
    abstaining.enter(params)
    return Context(lib.llama_init_from_model(model.pointer, params), model, SHAPE)


def copied(context: Context, model: Model) -> bool:
    """Whether logits of a call arrive where llama.cpp copies them."""
    batch = Batch(4)
    batch.fill(0, [5, 6, 7, 8], 0, 0)
    batch.outputs[3] = 1
    context.clear()
    assert context.decode(batch, 4) == 0
    row = np.ctypeslib.as_array(lib.llama_get_logits(context.pointer), (model.vocab.size,))
    return bool(row.any())


def test_graphs_are_shown_and_nothing_is_copied(model: Model) -> None:
    rows: list[int] = []

    def built(graph: int) -> None:
        if tensor := tensor_of(graph, b"result_output"):
            rows.append(rows_of(tensor))

    abstaining = Abstaining(SHAPE.sequences, built)
    context = made(model, abstaining)
    assert not copied(context, model)
    assert rows[-1] == 1
    context.close()
    abstaining.close()


def test_a_context_that_they_leave_copies_again(model: Model) -> None:
    abstaining = Abstaining(SHAPE.sequences, lambda _: None)
    context = made(model, abstaining)
    abstaining.leave(context.pointer)
    assert copied(context, model)
    context.close()
    abstaining.close()


def test_a_tensor_that_is_not_there_is_none(model: Model) -> None:
    found: list[object] = []
    abstaining = Abstaining(2, lambda graph: found.append(tensor_of(graph, b"nobody")))
    made(model, abstaining).close()
    abstaining.close()
    assert set(found) == {None}


def test_what_is_given_back_reads_as_zeros_and_can_be_used(context: Context, model: Model) -> None:
    assert copied(context, model)
    give_back_rows(context.pointer, SHAPE.sequences, model.vocab.size)
    row = np.ctypeslib.as_array(lib.llama_get_logits(context.pointer), (model.vocab.size,))
    page = 4096
    whole = row[page // 4 : -page // 4]
    assert can_give_back() != bool(whole.any())
    assert copied(context, model)


def test_room_for_copies_is_that_of_four_rows() -> None:
    assert size_of(64, 150_000) == 64 * 150_000 * 16


def test_samplers_are_laid_out_as_llama_h_has_them() -> None:
    names = [name for name, *_ in lib.llama_sampler_i._fields_]
    assert names[:6] == ["name", "accept", "apply", "reset", "clone", "free"]
    assert names[6:9] == ["backend_init", "backend_accept", "backend_apply"]
    assert ctypes.sizeof(lib.llama_sampler_i) == 12 * ctypes.sizeof(ctypes.c_void_p)
    assert ctypes.sizeof(lib.llama_sampler_seq_config) == 2 * ctypes.sizeof(ctypes.c_void_p)
    fields = dict(lib.llama_sampler_i._fields_[:9])
    assert fields["name"] is lib.llama_sampler_i_name
    assert fields["apply"] is lib.llama_sampler_i_apply
    assert fields["backend_init"] is lib.llama_sampler_i_backend_init
    assert fields["backend_apply"] is lib.llama_sampler_i_backend_apply
