from __future__ import annotations

from typing import Any

from llmd.models.gguf.facts import Facts
from llmd.models.placement.arranging import Fitting
from llmd.models.placement.remedies import problem, remedies
from llmd.models.placement.wishes import Wishes
from llmd.protocol.placement import DeviceRoom, Remedy
from tests.unit.models.placement.conftest import (
    FEW,
    GIB,
    MIB,
    cpu,
    facts,
    gpu,
    layer,
    subject,
    wishes,
)


def tried(
    rooms: list[DeviceRoom], found: Facts | None = None, **options: Any
) -> tuple[str, list[Remedy]]:
    made = subject(found or facts())

    def refit(changed: Wishes) -> Fitting:
        return Fitting(made, changed, rooms, frozenset())

    fitting = refit(wishes(made.facts, FEW, **options))
    return problem(fitting), remedies(fitting, refit)


def test_a_context_that_is_too_long_gets_the_longest_that_fits() -> None:
    why, help_ = tried([cpu(GIB)], context_length=1_000_000)
    assert "with a context of 1000000" in why
    (first, *_) = help_
    assert first.options
    context = first.options.context_length
    assert context
    assert context % 256 == 0
    assert f"A context of {context} tokens fits." == first.text
    fits = Fitting(subject(), wishes(None, FEW, context_length=context), [cpu(GIB)], frozenset())
    more = Fitting(
        subject(), wishes(None, FEW, context_length=context + 256), [cpu(GIB)], frozenset()
    )
    assert fits.search()
    assert more.search() is None


def test_a_cache_of_more_cells_than_fit_gets_the_most_that_do() -> None:
    why, (first, *_) = tried([cpu(GIB)], kv_tokens=1_000_000, context_length=2048)
    assert "with a KV cache of 1000000 tokens" in why
    assert first.options
    cells = first.options.kv_tokens
    assert cells
    assert first.text == f"A KV cache of {cells} tokens (kv_tokens) fits."
    assert first.options.context_length is None

    def fits(kv_tokens: int) -> bool:
        wanted = wishes(None, FEW, context_length=2048, kv_tokens=kv_tokens)
        return Fitting(subject(), wanted, [cpu(GIB)], frozenset()).search() is not None

    assert fits(cells)
    assert not fits(cells + 256)


def test_a_cache_gets_smaller_than_the_usual_context_where_it_must() -> None:
    _, (first, *_) = tried([cpu(650 * MIB)], facts(context_length=32_768), kv_tokens=1_000_000)
    assert first.options
    cells = first.options.kv_tokens
    assert cells
    assert 1024 <= cells < 8192
    wanted = wishes(facts(context_length=32_768), FEW, kv_tokens=cells)
    found = Fitting(subject(), wanted, [cpu(650 * MIB)], frozenset()).search()
    assert found
    assert found.shape.context_length == found.shape.cells == cells


def test_a_context_that_is_too_long_takes_the_cache_along() -> None:
    _, (first, *_) = tried([cpu(GIB)], kv_tokens=1_000_000, context_length=1_000_000)
    assert first.options
    context = first.options.context_length
    assert context == first.options.kv_tokens
    assert first.text == f"A context and a KV cache (kv_tokens) of {context} tokens fit."
    wanted = wishes(None, FEW, context_length=context, kv_tokens=context)
    assert Fitting(subject(), wanted, [cpu(GIB)], frozenset()).search()


def test_a_quantised_cache_is_offered_where_it_helps() -> None:
    _, help_ = tried([cpu(730 * MIB)], context_length=12_000, parallel=1)
    assert any(one.options and one.options.kv_type == "q8_0" for one in help_)


def test_fewer_sequences_are_offered_where_states_are_too_many() -> None:
    recurrent = facts(
        layers=[layer(state=2_000_000, cached_keys=0, cached_values=0)], architecture="mamba2"
    )
    _, help_ = tried([cpu(GIB)], recurrent, parallel=200)
    fewer = [one.options.parallel for one in help_ if one.options and one.options.parallel]
    assert fewer
    assert 1 <= fewer[0] < 200


def test_without_a_gpu_the_cpu_is_offered_and_nothing_else() -> None:
    why, help_ = tried([cpu(8 * GIB)], require_gpu=True)
    assert "none that llama.cpp can use" in why
    assert [one.text for one in help_] == ["It fits on the CPU."]


def test_a_gpu_that_is_too_small_may_take_some_layers() -> None:
    why, help_ = tried([gpu(1000 * MIB), cpu(8 * GIB)], require_gpu=True)
    assert "memory of CUDA0" in why
    assert any("layers on GPUs" in one.text for one in help_)


def test_weights_that_are_too_large_need_a_smaller_quantisation() -> None:
    why, help_ = tried([cpu(450 * MIB)])
    assert "its weights are 0.49 GiB" in why
    assert "0.44 GiB are free" in why
    (only,) = help_
    assert "Q" in only.text
    assert "would fit" in only.text


def test_a_model_that_no_quantisation_makes_fit_is_too_large() -> None:
    _, help_ = tried([cpu(100 * MIB)])
    assert "fewer parameters" in help_[0].text


def test_an_embedding_model_is_not_told_of_contexts() -> None:
    made = subject()
    fitting = Fitting(made, wishes(made.facts, FEW, generates=False), [cpu(MIB)], frozenset())
    assert "context" not in problem(fitting)
