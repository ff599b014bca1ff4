"""The figures on the right are llama.cpp's own, for models of these shapes (see compute.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmd.models.gguf.facts import Facts
from llmd.models.placement.compute import compute_size, masks_size, output_size
from llmd.models.placement.shape import Run
from tests.unit.models.placement.conftest import MIB, facts, layer

SERVING = Run(cells=8192, sequences=81, tokens=512, outputs=81)
LONG = Run(cells=131072, sequences=81, tokens=512, outputs=81)
STORING = Run(cells=32768, sequences=81, tokens=512, outputs=81, flash=False)
WORDY = Run(cells=4096, sequences=1, tokens=256, outputs=256)
EXPERTS = layer(feed_forward=768, experts_used=2)
MANY = layer(feed_forward=768, experts_used=8, heads=16, kv_heads=8, cached_keys=1024)
STATE = 3 * (2048 + 2 * 2 * 128) + 128 * 2048
RECURRENT = layer(state=STATE, heads=0, cached_keys=0, cached_values=0, feed_forward=0)


@pytest.mark.parametrize(
    ("model", "run", "mib"),
    [
        (facts(), SERVING, 37.67),
        (facts(), LONG, 170.56),
        (facts(), STORING, 650.07),
        (facts(), WORDY, 33.25),
        (facts(architecture="gpt2"), SERVING, 24.38),
        (facts(architecture="grok"), Run(8192, 81, 512, 81), 171.66),
        (facts(layers=[EXPERTS], experts=8, architecture="qwen3moe"), SERVING, 27.70),
        (facts(layers=[MANY], width=2048, experts=32, vocabulary=10000), SERVING, 101.9),
        (facts(layers=[layer(), layer(windowed=True)], architecture="gemma3"), LONG, 312.31),
        (facts(layers=[RECURRENT], architecture="mamba2"), SERVING, 117.88),
        (facts(layers=[RECURRENT], architecture="mamba2"), Run(8192, 2, 512, 64), 32.14),
    ],
)
def test_compute_buffers_are_within_a_tenth_of_llama_cpps(
    model: Facts, run: Run, mib: float
) -> None:
    assert compute_size(model, run) / MIB == pytest.approx(mib, rel=0.1)


def test_masks_are_halved_by_flash_attention_and_doubled_by_windows() -> None:
    run = Run(cells=1024, sequences=1, tokens=512, outputs=1)
    assert masks_size(facts(), run) == 1024 * 512 * 2
    windowed = facts(layers=[layer(), layer(windowed=True)])
    assert masks_size(windowed, run) == 2 * 1024 * 512 * 2
    narrow = replace(run, window_cells=256)
    assert masks_size(windowed, narrow) == (1024 + 256) * 512 * 2
    stored = Run(cells=1024, sequences=1, tokens=512, outputs=1, flash=False)
    assert masks_size(facts(), stored) == 1024 * 512 * 4


def test_an_encoder_masks_tokens_and_a_recurrent_model_nothing() -> None:
    run = Run(cells=0, sequences=64, tokens=512, outputs=512)
    assert masks_size(facts(has_cache=False, architecture="bert"), run) == 512 * 512 * 2
    assert masks_size(facts(layers=[RECURRENT]), SERVING) == 0


def test_an_encoder_has_no_logits_to_compute_but_a_buffer_for_them() -> None:
    encoder = facts(has_cache=False, architecture="bert", vocabulary=250_000)
    run = Run(cells=0, sequences=64, tokens=512, outputs=512)
    assert compute_size(encoder, run) < 64 * MIB
    assert output_size(encoder, run) == 512 * 250_000 * 4


def test_logits_that_are_read_in_place_need_no_buffer() -> None:
    run = Run(cells=4096, sequences=64, tokens=256, outputs=70)
    assert output_size(facts(), run) == 70 * facts().vocabulary * 4
    assert output_size(facts(), replace(run, in_place=True)) == 0


def test_sparse_attention_takes_more_for_every_cell() -> None:
    sparse = facts(architecture="deepseek32", latent=True)
    more = compute_size(sparse, LONG) - compute_size(sparse, SERVING)
    assert more > 10 * (compute_size(facts(), LONG) - compute_size(facts(), SERVING))
