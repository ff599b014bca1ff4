from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import cast

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmd.engine.bindings import CANDIDATE, Floats, SamplerChain, Vocab
from llmd.engine.sampling import ChainSampler, GreedySampler, make_sampler
from llmd.protocol.requests import Sampling

SIZE = 5000


def vocab(size: int = SIZE) -> Vocab:
    return cast("Vocab", SimpleNamespace(size=size, end_tokens=frozenset({0})))


def logits(seed: int, spread: float = 3.0, size: int = SIZE) -> Floats:
    return np.random.default_rng(seed).normal(0, spread, size).astype(np.float32)


def full_chain(sampling: Sampling, seed: int) -> SamplerChain:
    """llama.cpp's own chain, to be run over the whole vocabulary."""
    chain = SamplerChain()
    if sampling.logit_bias:
        chain.add_logit_bias(SIZE, sampling.logit_bias)
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    if penalties != (1.0, 0.0, 0.0):
        chain.add_penalties(SIZE, sampling.repeat_last_n, *penalties)
    chain.add_truncation(sampling.top_k, sampling.typical_p, sampling.top_p, sampling.min_p)
    chain.add_draw(sampling.temperature, seed)
    return chain


def whole(row: Floats) -> np.ndarray:
    candidates = np.empty(SIZE, CANDIDATE)
    candidates["id"] = np.arange(SIZE)
    candidates["logit"] = row
    return candidates


def test_greedy_takes_the_likeliest_and_never_a_banned_one() -> None:
    row = logits(1)
    best = int(row.argmax())
    assert GreedySampler().choose(row.copy()) == best
    assert GreedySampler({best}).choose(row.copy()) != best


def test_plain_greedy_needs_no_chain() -> None:
    assert isinstance(
        make_sampler(Sampling(temperature=0), vocab(), [1], 100, ignore_eos=False), GreedySampler
    )
    assert isinstance(
        make_sampler(
            Sampling(temperature=0, presence_penalty=1), vocab(), [1], 100, ignore_eos=False
        ),
        ChainSampler,
    )


@pytest.mark.parametrize("temperature", [5e-324, 2.2e-308, 1e-40, 1e-38, 1e-7])
@pytest.mark.parametrize(
    "how",
    [{}, {"top_k": 40, "min_p": 0.05}, {"top_p": 0.9}, {"presence_penalty": 1.0}],
    ids=["free", "usual", "nucleus", "penalty"],
)
def test_temperatures_next_to_0_are_greedy(temperature: float, how: dict[str, float]) -> None:
    sampling = msgspec.convert({"temperature": temperature, **how}, Sampling)
    sampler = make_sampler(sampling, vocab(), [1], 100, ignore_eos=True)
    for seed in range(5):
        row = logits(seed)
        row[0] = -np.inf
        assert sampler.choose(row.copy()) == int(row.argmax())
    sampler.close()


@settings(max_examples=60)
@given(
    st.builds(
        Sampling,
        temperature=st.sampled_from([0.2, 0.8, 1.0, 1.7]),
        top_k=st.sampled_from([0, 1, 5, 40, 400]),
        top_p=st.sampled_from([1.0, 0.95, 0.5]),
        min_p=st.sampled_from([0.0, 0.05, 0.3]),
        typical_p=st.sampled_from([1.0, 0.7]),
        repeat_penalty=st.sampled_from([1.0, 1.3]),
        frequency_penalty=st.sampled_from([0.0, 0.5]),
        presence_penalty=st.sampled_from([0.0, -1.0, 1.5]),
        logit_bias=st.dictionaries(
            st.integers(0, SIZE - 1), st.sampled_from([-100.0, -2.0, 3.0, 50.0]), max_size=3
        ),
        seed=st.integers(0, 1000),
    ),
    st.integers(0, 10_000),
    st.sampled_from([0.5, 3.0, 12.0]),
)
def test_prefiltered_chain_keeps_every_token_the_full_one_could_pick(
    sampling: Sampling, seed: int, spread: float
) -> None:
    sampler = ChainSampler(sampling, vocab(), (), 4096)
    recent = [3, 7, 7, 11]
    reference = full_chain(sampling, sampling.seed or 0)
    for token in recent:
        sampler.accept(token)
        reference.accept(token)
    row = logits(seed, spread)
    biased = row.copy()
    for token, bias in sampling.logit_bias.items():
        biased[token] += bias
    kept = set(sampler._keep(biased).tolist())
    for _ in range(3):
        picked = reference.pick(whole(row))
        assert picked in kept
    reference.close()
    sampler.close()


def test_draws_follow_the_distribution() -> None:
    row = np.full(SIZE, -1e9, np.float32)
    row[[10, 20, 30]] = np.log([0.5, 0.3, 0.2]).astype(np.float32)
    sampler = ChainSampler(Sampling(temperature=1.0, seed=7), vocab(), (), 100)
    counts = Counter(sampler.choose(row.copy()) for _ in range(4000))
    assert set(counts) == {10, 20, 30}
    for token, share in ((10, 0.5), (20, 0.3), (30, 0.2)):
        assert counts[token] / 4000 == pytest.approx(share, abs=0.04)


def test_the_same_seed_draws_the_same_tokens() -> None:
    def draw() -> list[int]:
        sampler = ChainSampler(Sampling(temperature=1.5, seed=42), vocab(), (), 100)
        return [sampler.choose(logits(i)) for i in range(20)]

    assert draw() == draw()


def test_a_bias_of_minus_infinity_bans_and_a_large_one_forces() -> None:
    row = logits(5)
    best = int(row.argmax())
    banned = ChainSampler(Sampling(temperature=0.7, seed=1), vocab(), {best}, 100)
    assert all(banned.choose(row.copy()) != best for _ in range(50))
    forced = ChainSampler(
        Sampling(temperature=0.7, seed=1, logit_bias={123: 100.0}), vocab(), (), 100
    )
    assert {forced.choose(row.copy()) for _ in range(20)} == {123}


def test_a_presence_penalty_makes_greedy_move_on() -> None:
    row = np.zeros(SIZE, np.float32)
    row[[1, 2, 3]] = [3.0, 2.5, 2.0]
    sampler = ChainSampler(Sampling(temperature=0, presence_penalty=2.0), vocab(), (), 100)
    assert [sampler.choose(row.copy()) for _ in range(3)] == [1, 2, 3]


def test_repetition_looks_back_into_the_prompt_but_presence_does_not() -> None:
    row = np.zeros(SIZE, np.float32)
    row[[1, 2]] = [3.0, 2.5]
    repeat = make_sampler(
        Sampling(temperature=0, repeat_penalty=2.0), vocab(), [1], 100, ignore_eos=False
    )
    presence = make_sampler(
        Sampling(temperature=0, presence_penalty=2.0), vocab(), [1], 100, ignore_eos=False
    )
    assert repeat.choose(row.copy()) == 2
    assert presence.choose(row.copy()) == 1


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0, typical_p=0.6, repeat_penalty=1.4, seed=1),
        Sampling(temperature=0, frequency_penalty=1.0, logit_bias={7: 5.0}),
        Sampling(temperature=0.8, top_k=40, top_p=0.9, logit_bias={3: -100.0}, seed=1),
    ],
    ids=["typical", "greedy", "usual"],
)
def test_tokens_that_a_grammar_forbids_are_never_drawn(sampling: Sampling) -> None:
    for allowed in ([3, 7], [7], [3, 7, 11, 4000]):
        sampler = ChainSampler(sampling, vocab(), (), 100)
        for token in (3, 7, 9):
            sampler.accept(token)
        row = np.full(SIZE, -np.inf, np.float32)
        row[allowed] = logits(2)[allowed]
        assert {sampler.choose(row.copy()) for _ in range(30)} <= set(allowed)
        sampler.close()


@pytest.mark.parametrize("last", [-1, 101, 2**31, 2**63])
def test_penalties_look_no_further_back_than_the_context(last: int) -> None:
    sampling = Sampling(temperature=0, presence_penalty=2.0, repeat_last_n=last)
    sampler = ChainSampler(sampling, vocab(), (), 100)
    assert sampler._recent is not None
    assert sampler._recent.maxlen == 100
    sampler.close()


def test_tokens_that_others_choose_count_for_penalties() -> None:
    row = np.zeros(SIZE, np.float32)
    row[[1, 2]] = [3.0, 2.5]
    sampler = ChainSampler(Sampling(temperature=0, presence_penalty=2.0), vocab(), (), 100)
    sampler.accept(1)
    assert sampler.choose(row) == 2
    GreedySampler().accept(1)


@pytest.mark.parametrize("top_k", [SIZE, 2**31, 2**32, 2**32 + 1, 2**63 - 1])
def test_a_top_k_beyond_the_vocabulary_keeps_all_of_it(top_k: int) -> None:
    row = logits(3, spread=0.01)
    sampling = Sampling(temperature=1.0, top_k=top_k, top_p=0.999, min_p=0.0, seed=1)
    sampler = make_sampler(sampling, vocab(), [], 100, ignore_eos=False)
    assert len({sampler.choose(row.copy()) for _ in range(50)}) > 30
