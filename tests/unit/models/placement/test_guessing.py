from __future__ import annotations

from llmd.models.placement.guessing import Outline, guess
from llmd.protocol.placement import LoadOptions
from tests.unit.models.placement.conftest import GIB, cpu, gpu

SEVEN = Outline("qwen-7b-chat:q4_k_m", int(4.7 * GIB), 7_700_000_000, 32_768)


def test_a_guess_says_that_it_is_one() -> None:
    plan = guess(SEVEN, LoadOptions(), [cpu(32 * GIB)])
    assert plan.rough
    assert plan.fits
    assert "guess" in plan.notes[0]
    (use,) = plan.uses
    assert use.device == "CPU"
    # 28 layers of 4 heads take 56 KiB a token, 32 of 8 take 128
    assert 40 * 1024 < use.parts.kv_cache / plan.kv_tokens < 200 * 1024


def test_a_model_that_is_too_large_does_not_fit_and_why() -> None:
    plan = guess(SEVEN, LoadOptions(), [cpu(4 * GIB)])
    assert not plan.fits
    assert "GiB of CPU are free" in plan.problem


def test_it_goes_to_the_gpu_with_most_room_if_it_fits_there() -> None:
    rooms = [gpu(8 * GIB, "CUDA0"), gpu(24 * GIB, "CUDA1"), cpu(64 * GIB)]
    assert guess(SEVEN, LoadOptions(), rooms).uses[0].device == "CUDA1"
    assert guess(SEVEN, LoadOptions(prefer_gpu=False), rooms).uses[0].device == "CPU"
    assert guess(SEVEN, LoadOptions(), [gpu(2 * GIB), cpu(64 * GIB)]).uses[0].device == "CPU"
    forced = guess(SEVEN, LoadOptions(require_gpu=True), [gpu(2 * GIB), cpu(64 * GIB)])
    assert not forced.fits


def test_what_is_asked_for_counts() -> None:
    wanted = LoadOptions(context_length=20_000, parallel=1, kv_type="q8_0")
    plan = guess(SEVEN, wanted, [cpu(32 * GIB)])
    assert (plan.context_length, plan.kv_tokens) == (20_000, 20_224)
    full = guess(SEVEN, LoadOptions(context_length=20_000, parallel=1), [cpu(32 * GIB)])
    assert plan.uses[0].parts.kv_cache < full.uses[0].parts.kv_cache
    small = guess(SEVEN, LoadOptions(kv_tokens=2000), [cpu(32 * GIB)])
    assert (small.context_length, small.kv_tokens) == (2048, 2048)
