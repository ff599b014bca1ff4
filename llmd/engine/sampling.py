"""Chooses the next token from a row of logits.

Greedy without penalties is an argmax, and a draw from the whole distribution follows its cumulated
probabilities. Everything else runs llama.cpp's own sampler chain, but over a prefiltered candidate
array: building one candidate per token of a 152k vocabulary costs more than the samplers
themselves. The filter is exact up to float32 rounding: with top_k it keeps the k best, with top_p
the nucleus, with min_p what reaches it, always every token whose logit penalties or biases may
change, and otherwise what lies within `_MARGIN` of the best, where the tokens outside weigh less
than V * exp(-30) together.
"""

from __future__ import annotations

import math
import random
import secrets
from collections import deque
from collections.abc import Iterable
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from llmd.engine.bindings import CANDIDATE, Floats, SamplerChain, Vocab
from llmd.engine.truncation import Probabilities, best
from llmd.protocol.requests import Sampling

_MARGIN = 30.0
_ROUNDING = 0.01
# a draw at a lower temperature takes the likeliest; float32 overflows where it is lower still
_COLDEST = 1e-6
_MAX_SEED = 0xFFFF_FFFE  # llama.cpp takes 0xFFFFFFFF for "any seed"


class Sampler(Protocol):
    """Chooses the tokens of one sequence, in order."""

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`, shape (vocabulary,)."""

    def accept(self, token: int) -> None:
        """Count a token that somebody else chose as part of the text."""

    def close(self) -> None:
        """Free what llama.cpp holds; the sampler is unusable afterwards."""


class GreedySampler:
    """The likeliest token; `banned` ones only when there is nothing else."""

    def __init__(self, banned: Iterable[int] = ()) -> None:
        self._banned = np.fromiter(banned, np.int64)

    def choose(self, row: Floats) -> int:
        """Return the argmax."""
        if self._banned.size:
            row[self._banned] = -np.inf
        return int(row.argmax())

    def accept(self, token: int) -> None:
        """Nothing to count."""

    def close(self) -> None:
        """Nothing to free."""


class DrawSampler:
    """Draws from the whole distribution, by its cumulated probabilities."""

    def __init__(self, sampling: Sampling, size: int, banned: Iterable[int] = ()) -> None:
        self._temperature = sampling.temperature
        self._banned = np.fromiter(banned, np.int64)
        self._random = random.Random(_seed(sampling))  # noqa: S311  sampling, no secrets
        self._probabilities = Probabilities(size)

    def choose(self, row: Floats) -> int:
        """Return the token at a random place."""
        if self._banned.size:
            row[self._banned] = -np.inf
        if row.max() == -np.inf:
            return int(row.argmax())
        return self._probabilities.draw(row, self._temperature, self._random.random())

    def accept(self, token: int) -> None:
        """Nothing to count."""

    def close(self) -> None:
        """Nothing to free."""


class ChainSampler:
    """llama.cpp's sampler chain over prefiltered candidates."""

    def __init__(
        self, sampling: Sampling, vocab: Vocab, banned: Iterable[int], context_length: int
    ) -> None:
        # llama.cpp takes 32 bits of it
        sampling = msgspec.structs.replace(sampling, top_k=min(sampling.top_k, vocab.size))
        biases = dict(sampling.logit_bias) | dict.fromkeys(banned, -np.inf)
        self._biased = np.array([t for t in biases if 0 <= t < vocab.size], np.int64)
        self._biases = np.array([biases[t] for t in self._biased.tolist()], np.float32)
        self._top_k, self._top_p = sampling.top_k, sampling.top_p
        self._greedy = sampling.temperature <= 0
        self._margin = _margin(sampling)
        self._candidates = np.empty(vocab.size, CANDIDATE)
        last = sampling.repeat_last_n if sampling.repeat_last_n >= 0 else context_length
        last = min(last, context_length)
        self._recent: deque[int] | None = deque(maxlen=last) if _penalises(sampling) else None
        self._probabilities: Probabilities | None = None
        if _is_nucleus(sampling):
            self._probabilities = Probabilities(vocab.size)
        self._chain = self._build(sampling, vocab.size, last)

    def _build(self, sampling: Sampling, size: int, last: int) -> SamplerChain:
        chain = SamplerChain()
        if self._recent is not None:
            repeat, frequency = sampling.repeat_penalty, sampling.frequency_penalty
            chain.add_penalties(size, last, repeat, frequency, sampling.presence_penalty)
        if self._greedy:
            chain.add_greedy()
            return chain
        top_p = 1.0 if self._probabilities else sampling.top_p
        chain.add_truncation(sampling.top_k, sampling.typical_p, top_p, sampling.min_p)
        chain.add_draw(sampling.temperature, _seed(sampling))
        return chain

    def accept(self, token: int) -> None:
        """Count `token` as part of the text that penalties look at."""
        if self._recent is not None:
            self._recent.append(token)
            self._chain.accept(token)

    def choose(self, row: Floats) -> int:
        """Run the chain and accept its pick."""
        row[self._biased] += self._biases
        ids = self._keep(row)
        candidates = self._candidates[: len(ids)]
        candidates["id"] = ids
        candidates["logit"] = row[ids]
        token = self._chain.pick(candidates)
        self.accept(token)
        return token

    def _keep(self, row: Floats) -> npt.NDArray[np.int64]:
        changed = np.array(sorted(set(self._recent or ())), np.int64)
        saved = row[changed]
        row[changed] = -np.inf
        top = float(row.max())
        if top == -np.inf:  # a grammar allows none but changed ones: the rest is not to be chosen
            row[changed] = saved
            allowed = changed[np.isfinite(saved)]
            return allowed if allowed.size else np.array([row.argmax()])
        ids = self._likely(row, top)
        row[changed] = saved
        # what a grammar forbids must stay out: typical_p would make NaN of its logit
        return np.concatenate((ids, changed[saved > -np.inf])) if changed.size else ids

    def _likely(self, row: Floats, top: float) -> npt.NDArray[np.int64]:
        if self._top_k and not self._greedy:
            return best(row, self._top_k)
        if self._probabilities:
            return self._probabilities.nucleus(row, self._top_p)
        return np.flatnonzero(row >= top - self._margin)

    def close(self) -> None:
        """Free the chain."""
        self._chain.close()


def _margin(sampling: Sampling) -> float:
    """Return how far below the best a logit may lie and still be chosen."""
    if sampling.temperature <= 0:
        return 0.0
    if sampling.min_p > 0 and sampling.top_p >= 1 and sampling.typical_p >= 1:
        return -math.log(sampling.min_p) + _ROUNDING
    return _MARGIN * max(1.0, sampling.temperature)


def _is_nucleus(sampling: Sampling) -> bool:
    """Whether top_p is what makes the choice small, and nothing comes before it."""
    return (
        sampling.temperature > 0
        and not sampling.top_k
        and sampling.typical_p >= 1
        and sampling.top_p < 1
        and not _penalises(sampling)
    )


def _is_free(sampling: Sampling) -> bool:
    """Whether any token may be drawn."""
    return (
        sampling.temperature > 0
        and not sampling.top_k
        and not sampling.min_p
        and sampling.top_p >= 1
        and sampling.typical_p >= 1
        and not sampling.logit_bias
        and not _penalises(sampling)
    )


def _seed(sampling: Sampling) -> int:
    return secrets.randbelow(_MAX_SEED) if sampling.seed is None else sampling.seed % _MAX_SEED


def _penalises(sampling: Sampling) -> bool:
    neutral = (
        sampling.repeat_penalty == 1
        and not sampling.frequency_penalty
        and not sampling.presence_penalty
    )
    return not neutral and sampling.repeat_last_n != 0


def make_sampler(
    sampling: Sampling, vocab: Vocab, prompt: list[int], context_length: int, *, ignore_eos: bool
) -> Sampler:
    """Return the cheapest sampler that does what was asked for."""
    banned = vocab.end_tokens if ignore_eos else frozenset[int]()
    if sampling.temperature < _COLDEST:
        sampling = msgspec.structs.replace(sampling, temperature=0.0)
    if sampling.temperature <= 0 and not sampling.logit_bias and not _penalises(sampling):
        return GreedySampler(banned)
    if _is_free(sampling):
        return DrawSampler(sampling, vocab.size, banned)
    sampler = ChainSampler(sampling, vocab, banned, context_length)
    if sampling.repeat_penalty != 1:
        # as in llama.cpp's server, repetition looks back into the prompt; OpenAI's two penalties do
        # not
        last = sampling.repeat_last_n if sampling.repeat_last_n > 0 else len(prompt)
        for token in prompt[-last:]:
            sampler.accept(token)
    return sampler
