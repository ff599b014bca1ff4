"""Models whose layers attend to a window: with cells for all tokens, and for windows only."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmd.engine.loading import Opened, open_model
from llmd.engine.sampling import make_sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.step import Engine
from llmd.engine.stopping import TextStream
from llmd.engine.warm_prefixes import WarmPrefixes
from llmd.protocol.events import Usage
from tests.unit.engine.conftest import GREEDY, NEAR_TIE, Answers, Judge, load_order

VOCABULARY = range(5, 1000)


@dataclass
class Windowed:
    """An engine of a model with windows of 32 tokens, for 4 sequences."""

    opened: Opened
    engine: Engine
    judge: Judge
    warm: WarmPrefixes | None
    asked: list[Sequence] = field(default_factory=list)

    def submit(self, tokens: list[int], answer: int = 8) -> Sequence:
        vocab, length = self.opened.model.vocab, self.opened.ready.context_length
        one = Sequence(
            id=len(self.asked),
            tokens=list(tokens),
            sampler=make_sampler(GREEDY, vocab, tokens, length, ignore_eos=True),
            text=TextStream(()),
            timing=Timing(time.monotonic()),
            max_tokens=answer,
            ignore_eos=True,
        )
        self.asked.append(one)
        self.engine.submit(one)
        return one

    def ask(self, tokens: list[int], answer: int = 8) -> Usage:
        one = self.submit(tokens, answer)
        usage = Answers().run(self.engine).finished[one.id].usage
        assert self.judge.worst(one.tokens, one.prompt_tokens) < NEAR_TIE
        return usage

    def crowd(self) -> None:
        """Answer other prompts, for which there is room but in the cells of windows."""
        for seed in range(4):
            self.ask(text(350, seed=1000 + seed))


def text(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(VOCABULARY, k=length)


@pytest.fixture(scope="module", params=[True, False], ids=["full", "narrow"])
def shared(request: pytest.FixtureRequest, swa_model: Path) -> Iterator[Windowed]:
    order = load_order(
        swa_model,
        parallel=4,
        batch=64,
        threads=1,
        kv_tokens=3072,
        context_length=1024,
        full_windows=request.param,
    )
    opened = open_model(order, lambda _: None, lambda *_: None)
    assert opened.engine
    judge = Judge(opened.model)
    yield Windowed(opened, opened.engine, judge, opened.engine.warm)
    judge.close()
    opened.embedder.close()
    opened.engine.close()


@pytest.fixture
def windowed(shared: Windowed) -> Windowed:
    shared.engine.scheduler.cache.forget()
    # what is set aside in memory would hide what the KV cache can do
    shared.engine.warm = None
    return shared


seeds = st.integers(0, 99)
prompts = st.lists(st.tuples(seeds, st.integers(0, 9), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=seeds, tree=prompts)
def test_answers_from_shared_prefixes_are_those_of_a_model_that_reads_everything(
    first: int, tree: list[tuple[int, int, bool]], windowed: Windowed
) -> None:
    known, asked = [text(300, first)], []
    for seed, kept, pause in tree:
        before = known[seed % len(known)]
        prompt = before[: len(before) * kept // 9] + text(1 + seed, seed)
        one = windowed.submit(prompt[:800], answer=1 + seed)
        asked.append(one)
        if pause:
            Answers().run(windowed.engine)
            # another turn of the conversation, or one that leaves the answer out
            prompt = one.tokens if kept % 2 else prompt
        known.append(prompt[:800])
    Answers().run(windowed.engine)
    for one in asked:
        assert len(one.tokens) == one.prompt_tokens + one.max_tokens
        assert windowed.judge.worst(one.tokens, one.prompt_tokens) < NEAR_TIE


def test_an_answer_that_is_left_out_costs_nothing_but_its_own_place(windowed: Windowed) -> None:
    prompt = text(200, seed=1)
    windowed.ask(prompt, answer=100)
    windowed.crowd()
    assert windowed.ask(prompt + text(30, seed=2)).cached_tokens == 200


def test_the_same_prompt_is_not_read_again(windowed: Windowed) -> None:
    prompt = text(200, seed=3)
    windowed.ask(prompt, answer=100)
    windowed.crowd()
    assert windowed.ask(prompt).cached_tokens == 199


def test_where_one_prompt_left_another_the_third_goes_on(windowed: Windowed) -> None:
    system = text(200, seed=4)
    cached = []
    for seed in range(3):
        usage = windowed.ask(system + text(100, seed=10 + seed), answer=1)
        cached.append(usage.cached_tokens)
        windowed.crowd()
    assert cached[0] == 0
    assert cached[1] in {0, 200}
    assert cached[2] == 200


def test_all_who_come_together_share_what_they_have_in_common(windowed: Windowed) -> None:
    system = text(500, seed=5)
    together = [windowed.submit(system + text(40, seed=20 + one), 60) for one in range(4)]
    answers = Answers().run(windowed.engine)
    cached = [answers.finished[one.id].usage.cached_tokens for one in together]
    assert sorted(cached) == [0, 500, 500, 500]
    for one in together:
        assert windowed.judge.worst(one.tokens, one.prompt_tokens) < NEAR_TIE


def test_what_was_set_aside_comes_back_with_its_windows(windowed: Windowed) -> None:
    windowed.engine.warm = windowed.warm
    prompt = text(300, seed=6)
    windowed.ask(prompt, answer=100)
    windowed.engine.scheduler.cache.forget()
    assert windowed.ask(prompt + text(30, seed=7)).cached_tokens == 300
    windowed.engine.scheduler.cache.forget()
    whole = windowed.asked[-2].tokens
    assert windowed.ask(whole + text(30, seed=8)).cached_tokens == len(whole) - 1
