from __future__ import annotations

from llmd.models.placement.planning import arrange
from llmd.models.placement.subject import Subject
from tests.unit.models.placement.conftest import (
    FEW,
    GIB,
    MIB,
    cpu,
    facts,
    gpu,
    moe,
    subject,
    wishes,
)


def test_a_plan_says_all_that_loading_needs() -> None:
    plan = arrange(subject(), wishes(None, FEW, mlock=True), [gpu(8 * GIB), cpu(8 * GIB)])
    assert plan.fits
    assert (plan.gpu_layers, plan.layers) == (5, 5)
    assert (plan.context_length, plan.kv_tokens, plan.kv_type) == (8192, 16_384, "f16")
    assert (plan.mapped, plan.locked, plan.shrunk) == (True, True, False)
    assert not plan.problem
    assert not plan.remedies


def test_what_was_given_up_is_said() -> None:
    plan = arrange(subject(), wishes(None, FEW), [cpu(654 * MIB)])
    assert plan.shrunk
    assert any("4096 tokens instead of 8192" in note for note in plan.notes)
    partly = arrange(subject(), wishes(None, FEW), [gpu(1000 * MIB), cpu(8 * GIB)])
    assert any("of 5 layers fit on GPUs" in note for note in partly.notes)
    experts = arrange(Subject("m", moe()), wishes(moe(), FEW), [gpu(1500 * MIB), cpu(8 * GIB)])
    assert any("experts of the first" in note for note in experts.notes)


def test_mapped_weights_and_guesses_are_named() -> None:
    plan = arrange(subject(), wishes(None, FEW), [cpu(8 * GIB)])
    assert any("500 MiB of the weights are mapped" in note for note in plan.notes)
    odd = facts(architecture="deepseek32")
    guessed = arrange(Subject("m", odd), wishes(odd, FEW), [cpu(60 * GIB)])
    assert any("guess" in note for note in guessed.notes)


def test_what_does_not_fit_comes_with_the_least_it_takes_and_why() -> None:
    plan = arrange(subject(), wishes(None, FEW), [cpu(300 * MIB)])
    assert not plan.fits
    assert plan.context_length == 1024
    assert plan.uses[0].parts.total > 500 * MIB
    assert "m needs" in plan.problem
    assert plan.remedies


def test_a_required_gpu_that_is_not_there_is_no_fit() -> None:
    plan = arrange(subject(), wishes(None, FEW, require_gpu=True), [cpu(60 * GIB)])
    assert not plan.fits
    assert "GPU only" in plan.problem
