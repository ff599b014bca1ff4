"""A loaded built-in model, shared by the tests of the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.engine.loading import Opened, open_model
from llmd.engine.sampling import make_sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.step import Engine
from llmd.engine.stopping import TextStream
from llmd.protocol.events import Delta, Finished
from llmd.protocol.frames import Failed, Load
from llmd.protocol.requests import Overflow, Sampling

GREEDY = Sampling(temperature=0)


def load_order(path: Path, **changes: object) -> Load:
    order = {
        "path": str(path),
        "embedding": False,
        "context_length": 0,
        "parallel": 8,
        "kv_tokens": 4096,
        "kv_type": "f16",
        "batch": 256,
        "prefill_chunk": 64,
        "threads": 1,
        "gpu_layers": 0,
        "max_queue": 64,
        "prefixes": 16,
    }
    return Load(**{**order, **changes})


@pytest.fixture(scope="session")
def opened(tiny_model: Path) -> Iterator[Opened]:
    opened = open_model(load_order(tiny_model), lambda _: None, lambda *_: None)
    yield opened
    assert opened.engine
    opened.embedder.close()
    opened.engine.close()


@pytest.fixture
def engine(opened: Opened) -> Iterator[Engine]:
    """The shared engine, with nothing cached by the tests before."""
    assert opened.engine
    opened.engine.scheduler.cache.forget()
    yield opened.engine
    assert opened.engine.idle, "a test left sequences behind"


class Answers:
    """Runs sequences to their end and keeps what came out."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.deltas: dict[int, list[Delta]] = {}
        self.finished: dict[int, Finished] = {}
        self.failed: dict[int, Failed] = {}

    def run(self, engine: Engine) -> Answers:
        while not engine.idle:
            self.take(engine)
        return self

    def take(self, engine: Engine) -> None:
        for request, event in engine.step():
            if isinstance(event, Delta):
                self.texts[request] = self.texts.get(request, "") + event.text
                self.deltas.setdefault(request, []).append(event)
            elif isinstance(event, Finished):
                self.finished[request] = event
            elif isinstance(event, Failed):
                self.failed[request] = event


class Judge:
    """Reads a whole text in one go, in a context of its own, and says how far each token of its end
    was from the likeliest one.

    llama.cpp rounds differently in other batches, so two right answers may part at near ties; what
    no right answer does is choose a token that is clearly not the likeliest.
    """

    def __init__(self, model: Model) -> None:
        shape = ContextShape(tokens=2048, sequences=1, batch=2048, micro_batch=512, threads=1)
        context = Context.create(model, shape)
        assert context
        self._context, self._batch = context, Batch(2048)
        self._ends = model.vocab.end_tokens

    def worst(self, tokens: list[int], start: int) -> float:
        """Return the largest gap, in logits, of the tokens from `start` on; the end of an answer is
        not allowed.
        """
        if start >= len(tokens):
            return 0.0
        self._context.clear()
        end = self._batch.fill(0, tokens, 0, 0)
        self._batch.outputs[:end] = 1
        assert self._context.decode(self._batch, end) == 0
        rows = self._context.logits(end)[start - 1 : end - 1]
        rows[:, list(self._ends)] = -np.inf
        chosen = rows[np.arange(len(rows)), tokens[start:]]
        return float((rows.max(axis=1) - chosen).max())

    def close(self) -> None:
        self._context.close()


NEAR_TIE = 0.2
"""Logits; the built-in model's rounding noise is about a tenth of it."""


@pytest.fixture
def judge(opened: Opened) -> Iterator[Judge]:
    judge = Judge(opened.model)
    yield judge
    judge.close()


MakeSequence = Callable[..., Sequence]


@pytest.fixture
def make(opened: Opened) -> MakeSequence:
    """Return a function that makes a sequence of the built-in model out of a question or a raw
    prompt.
    """

    def build(
        request: int,
        question: str = "",
        *,
        raw: str = "",
        sampling: Sampling = GREEDY,
        max_tokens: int = 40,
        stops: tuple[str, ...] = (),
        ignore_eos: bool = False,
        logprobs: int | None = None,
        overflow: Overflow = Overflow.ERROR,
    ) -> Sequence:
        text = raw or f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
        vocab = opened.model.vocab
        tokens = vocab.tokenize(text, add_special=True, parse_special=True)
        return Sequence(
            id=request,
            tokens=tokens,
            sampler=make_sampler(
                sampling, vocab, tokens, opened.ready.context_length, ignore_eos=ignore_eos
            ),
            text=TextStream(stops),
            timing=Timing(time.monotonic()),
            max_tokens=max_tokens,
            ignore_eos=ignore_eos,
            logprobs=logprobs,
            overflow=overflow,
        )

    return build
