from __future__ import annotations

from dataclasses import replace

from llmd.models.gguf.facts import Facts
from llmd.models.placement.layout import layout, window_size
from llmd.models.placement.shape import Shape
from llmd.models.placement.spreading import Placing
from llmd.models.placement.subject import Extras, Subject
from llmd.protocol.placement import DeviceUse
from tests.unit.models.placement.conftest import MIB, facts, layer, moe, subject, weights

SHAPE = Shape(context_length=4096, parallel=2, cells=8192, prefixes=0)
REPACKED = frozenset({"Q4_0"})
ALL = Placing(gpu_layers=5, gpus=("CUDA0",))


def taken(uses: list[DeviceUse], device: str) -> DeviceUse:
    return next(use for use in uses if use.device == device)


def quantised(kind: str, *, tied: bool = False) -> Facts:
    layers = [layer(dense=weights(100 * MIB, kind)) for _ in range(4)]
    entry = weights(50 * MIB, kind)
    output = weights(0) if tied else entry
    return facts(layers=layers, input=entry, output=output, tied=tied)


def test_on_the_cpu_weights_are_mapped() -> None:
    (use,) = layout(subject(), SHAPE, Placing())
    assert use.parts.weights == use.mapped == 500 * MIB
    assert use.parts.kv_cache == 4 * 512 * 8192 * 2
    (read,) = layout(subject(), SHAPE, Placing(mapped=False))
    assert (read.parts.weights, read.mapped) == (500 * MIB, 0)


def test_windowed_layers_take_the_cells_of_windows() -> None:
    windowed = facts(layers=[layer(windowed=True), layer()], window=1000)
    narrow = replace(SHAPE, full_windows=False)
    (use,) = layout(subject(windowed), narrow, Placing())
    # 2 sequences, one to move with, one to fill up steps
    assert use.parts.kv_cache == 512 * 2 * (8192 + 4352)
    assert window_size(windowed, "f16") == 1000 * 512 * 2
    assert window_size(facts(), "f16") == 0


def test_repacked_weights_are_copies_all_but_those_that_are_looked_up_in() -> None:
    (use,) = layout(subject(quantised("Q4_0")), SHAPE, Placing(repacked=REPACKED))
    assert (use.parts.weights, use.mapped) == (500 * MIB, 50 * MIB)


def test_embeddings_that_serve_as_output_are_doubled_where_the_output_lies_elsewhere() -> None:
    (shared,) = layout(subject(quantised("Q8_0", tied=True)), SHAPE, Placing(repacked=REPACKED))
    assert shared.parts.weights == 450 * MIB
    (copied,) = layout(subject(quantised("Q4_0", tied=True)), SHAPE, Placing(repacked=REPACKED))
    assert copied.parts.weights == 500 * MIB
    offloaded = layout(subject(quantised("Q8_0", tied=True)), SHAPE, ALL)
    assert taken(offloaded, "CUDA0").parts.weights == 450 * MIB
    assert taken(offloaded, "CPU").parts.weights == 50 * MIB


def test_what_is_offloaded_leaves_inputs_and_logits_on_the_cpu() -> None:
    uses = layout(subject(), SHAPE, ALL)
    assert [use.device for use in uses] == ["CUDA0", "CPU"]
    device, host = uses
    assert device.parts.weights == 450 * MIB
    assert host.parts.weights == host.mapped == 50 * MIB
    assert host.parts.kv_cache == 0
    assert device.parts.kv_cache == 4 * 512 * 8192 * 2
    assert 0 < host.parts.compute < device.parts.compute
    assert device.parts.process > 0


def test_layers_that_stay_keep_their_cache_and_their_buffers() -> None:
    device, host = layout(subject(), SHAPE, Placing(gpu_layers=3, gpus=("CUDA0",)))
    assert device.parts.weights == 250 * MIB
    assert host.parts.weights == 250 * MIB
    assert host.parts.kv_cache == device.parts.kv_cache
    assert host.parts.compute >= device.parts.compute


def test_experts_may_stay_on_the_cpu() -> None:
    placing = Placing(gpu_layers=5, gpus=("CUDA0",), cpu_moe=3)
    device, host = layout(subject(moe()), SHAPE, placing)
    assert device.parts.weights == (50 + 4 * 20 + 400) * MIB
    assert host.parts.weights == (50 + 3 * 400) * MIB


def test_states_cost_by_sequence_and_not_by_cell() -> None:
    state = layer(state=1000, cached_keys=0, cached_values=0)
    (short,) = layout(subject(facts(layers=[state])), SHAPE, Placing())
    longer = Shape(context_length=4096, parallel=2, cells=80_000, prefixes=0)
    (long,) = layout(subject(facts(layers=[state])), longer, Placing())
    assert short.parts.kv_cache == long.parts.kv_cache == 1000 * 4 * 3


def test_a_quantised_cache_is_smaller() -> None:
    (full,) = layout(subject(), SHAPE, Placing())
    packed = Shape(context_length=4096, parallel=2, cells=8192, prefixes=0, kv_type="q8_0")
    (less,) = layout(subject(), packed, Placing())
    assert less.parts.kv_cache * 32 == full.parts.kv_cache * 17


def test_guests_are_counted_apart() -> None:
    extras = Extras(draft=facts(1), projector=7 * MIB, media_cache=MIB)
    (use,) = layout(Subject("m", facts(), extras=extras), SHAPE, Placing(), shelf=2 * MIB)
    assert use.parts.projector == 7 * MIB
    assert use.parts.caches == 3 * MIB
    assert use.parts.draft > 200 * MIB
    assert use.mapped == 500 * MIB + 200 * MIB


def test_prediction_layers_count_only_where_they_are_loaded() -> None:
    predicting = facts(layers=[layer(), layer(prediction=True, cached_keys=0, cached_values=0)])
    (without,) = layout(subject(predicting), SHAPE, Placing())
    (loaded,) = layout(subject(predicting, Extras(prediction=True)), SHAPE, Placing())
    assert loaded.parts.weights - without.parts.weights == 100 * MIB
    assert without.parts.draft == 0
    assert loaded.parts.draft > 8192 * 512 * 2


def test_an_embedding_model_has_no_guests() -> None:
    shape = Shape(context_length=512, parallel=1, cells=0, generates=False)
    extras = Extras(projector=7 * MIB)
    (use,) = layout(Subject("m", facts(), extras=extras), shape, Placing())
    assert use.parts.projector == 0
    assert use.parts.kv_cache == 4 * 512 * 512 * 2
