"""Compilers over two vocabularies, the 256 bytes and the built-in model's, and answers at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from llguidance import LLTokenizer

from llmd.engine.bindings import Vocab
from llmd.engine.bindings.guidance import guide
from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.constrained import ConstrainedSampler
from llmd.engine.grammar.matcher import Matcher
from llmd.engine.loading import Opened
from llmd.engine.sampling import make_sampler
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Constraint
from llmd.protocol.requests import Sampling


@pytest.fixture(scope="session")
def bytewise() -> Compiler:
    """For what does not depend on a vocabulary."""
    return Compiler(lambda: LLTokenizer("byte"))


@pytest.fixture(scope="session")
def vocab(opened: Opened) -> Vocab:
    return opened.model.vocab


@pytest.fixture(scope="session")
def compiler(vocab: Vocab) -> Compiler:
    return Compiler(lambda: guide(vocab))


def accepts(matcher: Matcher, text: str) -> bool:
    """Whether the grammar takes this text from its first to its last byte."""
    try:
        matcher.consume_text(text.encode())
    except ConstraintRefused:
        return False
    return matcher._state.is_accepting()


class Monkey:
    """A model that types at random, fond of ends and of what closes."""

    def __init__(self, vocab: Vocab, seed: int) -> None:
        self._vocab = vocab
        self._chance = np.random.default_rng(seed)
        self._fond = [
            token for token in range(vocab.size) if vocab.piece(token) in (b'"', b"}", b"]", b"}}")
        ] + sorted(vocab.end_tokens)

    def row(self) -> np.ndarray:
        row = self._chance.normal(0, 3, self._vocab.size).astype(np.float32)
        row[self._fond] += 9
        return row

    def answer(self, sampler: ConstrainedSampler, tokens: int = 400) -> str | None:
        """Return what it wrote; None when it did not come to an end."""
        written: list[bytes] = []
        for _ in range(tokens):
            token = sampler.choose(self.row())
            if token in self._vocab.end_tokens:
                return b"".join(written).decode()
            written.append(self._vocab.piece(token, special=True))
        return None


Write = Callable[..., str | None]


@pytest.fixture
def write(vocab: Vocab, compiler: Compiler) -> Write:
    """Return a function that answers at random under a constraint."""

    def run(constraint: Constraint, sampling: Sampling | None = None, seed: int = 0) -> str | None:
        chosen = sampling or Sampling(temperature=1.0, top_k=40, seed=seed)
        inner = make_sampler(chosen, vocab, [5], 400, ignore_eos=False)
        sampler = ConstrainedSampler(inner, compiler.matcher(constraint), vocab)
        try:
            return Monkey(vocab, seed).answer(sampler)
        finally:
            sampler.close()

    return run
