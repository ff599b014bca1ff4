from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from llmd.engine.loading import open_model
from llmd.models.gguf.reading import read_model
from llmd.models.placement.shape import (
    Run,
    Shape,
    can_be_narrow,
    draft_run,
    layer_cells,
    run_of,
    slots,
    whole_cells,
)
from tests.unit.engine.conftest import load_order
from tests.unit.models.placement.conftest import facts, layer


def test_cells_come_in_multiples_of_256() -> None:
    assert (whole_cells(1), whole_cells(256), whole_cells(257)) == (256, 256, 512)


def test_buffers_are_reserved_for_as_many_tokens_of_each_sequence() -> None:
    assert Run(cells=8192, sequences=81, tokens=512, outputs=81).padded == 567
    assert Run(cells=8192, sequences=2, tokens=512, outputs=64).padded == 512


def test_states_are_parked_more_sparingly_than_prefixes() -> None:
    shape = Shape(context_length=4096, parallel=16, cells=8192)
    assert slots(facts(), shape) == 16 + 64 + 1
    recurrent = facts(layers=[layer(state=1000)])
    assert slots(recurrent, shape) == 16 + 4 + 1
    many = Shape(context_length=4096, parallel=256, cells=8192)
    assert slots(facts(), many) == 255


def test_windows_are_parked_as_the_cells_allow() -> None:
    windowed = facts(layers=[layer(windowed=True), layer()], window=1024)
    shape = Shape(context_length=4096, parallel=16, cells=8192)
    assert slots(windowed, shape) == 16 + 64 + 1
    narrow = replace(shape, full_windows=False)
    assert slots(windowed, narrow) == 16 + 4 + 1
    assert slots(windowed, replace(narrow, cells=163_840)) == 16 + 10 + 1
    assert slots(windowed, replace(narrow, prefixes=2)) == 16 + 2 + 1


def test_windowed_layers_have_a_window_of_each_sequence_and_a_step() -> None:
    windowed = facts(layers=[layer(windowed=True), layer()], window=1000)
    shape = Shape(context_length=4096, parallel=2, cells=9000, prefixes=0, full_windows=False)
    run = run_of(windowed, shape)
    # 4 sequence ids and a step of 256 tokens, in steps of 256 cells
    assert (run.sequences, run.cells, run.window_cells) == (4, 9216, 4352)
    assert [layer_cells(one, run) for one in windowed.layers] == [4352, 9216]
    small = run_of(windowed, replace(shape, cells=2000))
    assert small.window_cells == small.cells == 2048
    full = run_of(windowed, replace(shape, full_windows=True))
    assert [layer_cells(one, full) for one in windowed.layers] == [9216, 9216]


def test_only_plain_caches_beside_windows_can_be_narrow() -> None:
    windowed = [layer(windowed=True), layer()]
    assert can_be_narrow(facts(layers=windowed, window=1024))
    assert not can_be_narrow(facts(layers=windowed, window=1024), prediction=True)
    for other in (
        facts(window=1024),
        facts(layers=windowed),
        facts(layers=[*windowed, layer(state=1000)], window=1024),
        facts(layers=[*windowed, layer(cached_index=64)], window=1024),
        facts(layers=[*windowed, layer(compressed=64, compression=4)], window=1024),
    ):
        assert not can_be_narrow(other)


def test_the_context_of_a_chat_model_has_a_row_for_each_sequence_id_and_each_draft() -> None:
    run = run_of(facts(), Shape(context_length=100, parallel=2, cells=300, prefixes=0, rows=48))
    assert run == Run(cells=512, sequences=4, tokens=256, outputs=53)
    small = run_of(facts(), Shape(context_length=100, parallel=2, cells=100, batch=64))
    assert (small.cells, small.tokens) == (256, 64)


def test_an_embedding_model_is_run_on_512_tokens() -> None:
    shape = Shape(context_length=8192, parallel=16, cells=0, generates=False)
    whole = Run(cells=512, sequences=64, tokens=512, outputs=512)
    assert run_of(facts(causal=False), shape) == whole
    assert run_of(facts(has_cache=False), shape).cells == 0


def test_embedding_models_that_could_generate_read_parts_and_have_no_logits() -> None:
    shape = Shape(context_length=8192, parallel=16, cells=0, generates=False)
    parts = Run(cells=512, sequences=128, tokens=128, outputs=128, in_place=True)
    assert run_of(facts(), shape) == parts
    for whole in (replace(shape, ranks=True), replace(shape, gpu=True)):
        assert run_of(facts(), whole).outputs == 512
    recurrent = facts(layers=[layer(state=1000)])
    for other in (facts(causal=False), facts(architecture="gemma-embedding"), recurrent):
        assert not run_of(other, shape).in_place


def test_a_draft_model_has_a_sequence_for_each_that_runs() -> None:
    run = draft_run(Shape(context_length=4096, parallel=4, cells=5000, kv_type="q8_0"))
    assert run == Run(cells=5120, sequences=4, tokens=256, outputs=4, kv_type="q8_0")


def test_more_is_computed_together_on_gpus_and_where_pictures_are_read() -> None:
    shape = Shape(context_length=4096, parallel=4, cells=4096, prefixes=0)
    assert run_of(facts(), shape).tokens == 256
    seeing = run_of(facts(), replace(shape, media=True))
    assert (seeing.tokens, seeing.sequences) == (512, 6)
    offloaded = run_of(facts(), replace(shape, gpu=True))
    assert (offloaded.tokens, offloaded.sequences) == (512, 5)


def test_large_rows_are_read_in_place_where_all_is_on_the_cpu_and_in_cells() -> None:
    shape, large = Shape(context_length=4096, parallel=4, cells=4096), facts(vocabulary=70_000)
    assert run_of(large, shape).in_place
    for other in (
        facts(vocabulary=32_000),
        facts(vocabulary=70_000, layers=[layer(windowed=True)]),
        facts(vocabulary=70_000, layers=[layer(state=1000)]),
        facts(vocabulary=70_000, prediction_layers=1),
    ):
        assert not run_of(other, shape).in_place
    assert not run_of(large, replace(shape, gpu=True)).in_place


@pytest.mark.parametrize(
    "kind", ["tiny_model", "large_vocabulary", "recurrent_model", "hybrid_model", "swa_model"]
)
def test_the_engine_creates_its_context_by_the_same_rules(
    request: pytest.FixtureRequest, kind: str
) -> None:
    # neither side may see the other, so both have them
    path: Path = request.getfixturevalue(kind)
    lines: list[str] = []
    order = load_order(path, parallel=5, prefixes=9, batch=384, kv_tokens=2000)
    opened = open_model(order, lambda _: None, lambda _, text: lines.append(text))
    rows = order.drafting.rows
    shape = Shape(opened.ready.context_length, 5, opened.ready.kv_tokens, batch=384, prefixes=9)
    run = run_of(read_model(path).facts, replace(shape, rows=rows))
    for name, value in (
        ("n_seq_max", run.sequences),
        ("n_ctx", run.cells),
        ("n_ubatch", run.tokens),
        ("n_outputs_max", run.outputs),
    ):
        found = re.search(rf"{name} += (\d+)", " ".join(lines))
        assert found
        assert (name, int(found[1])) == (name, value)
    assert opened.engine
    assert opened.engine._context.reads_in_place == run.in_place
    opened.engine.close()


def test_the_engine_creates_windows_by_the_same_rules(swa_model: Path) -> None:
    lines: list[str] = []
    order = load_order(swa_model, parallel=5, prefixes=9, kv_tokens=2000, full_windows=False)
    opened = open_model(order, lambda _: None, lambda _, text: lines.append(text))
    shape = Shape(opened.ready.context_length, 5, opened.ready.kv_tokens, batch=256, prefixes=9)
    narrow = replace(shape, rows=order.drafting.rows, full_windows=False)
    run = run_of(read_model(swa_model).facts, narrow)
    found = re.findall(r"creating +(?:non-)?SWA KV cache, size = (\d+) cells", " ".join(lines))
    assert [int(cells) for cells in found[-2:]] == [run.cells, run.window_cells]
    assert run.window_cells < run.cells
    assert opened.engine
    opened.engine.close()
