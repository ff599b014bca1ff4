"""Chooses the next token from a row of logits.

Greedy without penalties is an argmax. Everything else runs llama.cpp's own sampler chain, but over
a prefiltered candidate array: building one candidate per token of a 152k vocabulary costs more than
the samplers themselves. The filter is exact up to float32 rounding: it keeps every token whose
logit penalties or biases may change, and every other token within `margin` of the best unchanged
one, where the tokens outside weigh less than V * exp(-30) together (or, with top_k, cannot be among
the k best).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from llmd.engine.bindings import CANDIDATE, Floats, SamplerChain, Vocab
from llmd.protocol.requests import Sampling

_MARGIN = 30.0
_QUICK_MARGINS = (1.0, 3.0, 9.0)
_MAX_SEED = 0xFFFF_FFFE  # llama.cpp takes 0xFFFFFFFF for "any seed"


class Sampler(Protocol):
    """Chooses the tokens of one sequence, in order."""

    def choose(self, row: Floats) -> int:
        """Return the next token; may overwrite `row`, shape (vocabulary,)."""

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

    def close(self) -> None:
        """Nothing to free."""


class ChainSampler:
    """llama.cpp's sampler chain over prefiltered candidates."""

    def __init__(
        self, sampling: Sampling, vocab: Vocab, banned: Iterable[int], context_length: int
    ) -> None:
        biases = dict(sampling.logit_bias) | dict.fromkeys(banned, -np.inf)
        self._biased = [t for t in biases if 0 <= t < vocab.size]
        self._top_k = sampling.top_k
        self._greedy = sampling.temperature <= 0
        self._margin = 0.0 if self._greedy else _MARGIN * max(1.0, sampling.temperature)
        self._candidates = np.empty(vocab.size, CANDIDATE)
        last = context_length if sampling.repeat_last_n < 0 else sampling.repeat_last_n
        self._recent: deque[int] | None = deque(maxlen=last) if _penalises(sampling) else None
        self._chain = self._build(sampling, vocab.size, {t: biases[t] for t in self._biased}, last)

    def _build(
        self, sampling: Sampling, size: int, biases: dict[int, float], last: int
    ) -> SamplerChain:
        chain = SamplerChain()
        if biases:
            chain.add_logit_bias(size, biases)
        if self._recent is not None:
            repeat, frequency = sampling.repeat_penalty, sampling.frequency_penalty
            chain.add_penalties(size, last, repeat, frequency, sampling.presence_penalty)
        if self._greedy:
            chain.add_greedy()
            return chain
        chain.add_truncation(sampling.top_k, sampling.typical_p, sampling.top_p, sampling.min_p)
        seed = secrets.randbelow(_MAX_SEED) if sampling.seed is None else sampling.seed % _MAX_SEED
        chain.add_draw(sampling.temperature, seed)
        return chain

    def accept(self, token: int) -> None:
        """Count `token` as part of the text that penalties look at."""
        if self._recent is not None:
            self._recent.append(token)
            self._chain.accept(token)

    def choose(self, row: Floats) -> int:
        """Run the chain and accept its pick."""
        ids = self._keep(row)
        candidates = self._candidates[: len(ids)]
        candidates["id"] = ids
        candidates["logit"] = row[ids]
        token = self._chain.pick(candidates)
        self.accept(token)
        return token

    def _keep(self, row: Floats) -> npt.NDArray[np.int64]:
        changed = np.array(sorted({*self._biased, *(self._recent or ())}), np.int64)
        saved = row[changed]
        row[changed] = -np.inf
        top = float(row.max())
        ids = self._top(row, top)
        if ids is None:
            ids = np.flatnonzero(row >= top - self._margin)
        row[changed] = saved
        return np.concatenate((ids, changed)) if changed.size else ids

    def _top(self, row: Floats, top: float) -> npt.NDArray[np.int64] | None:
        """Return at least the k best, from a margin that is narrow where logits lie close."""
        if self._greedy or not self._top_k:
            return None
        for margin in _QUICK_MARGINS:
            near = row >= top - margin
            if np.count_nonzero(near) >= self._top_k:
                return np.flatnonzero(near)
        return None

    def close(self) -> None:
        """Free the chain."""
        self._chain.close()


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
    if sampling.temperature <= 0 and not sampling.logit_bias and not _penalises(sampling):
        return GreedySampler(banned)
    sampler = ChainSampler(sampling, vocab, banned, context_length)
    if sampling.repeat_penalty != 1:
        # as in llama.cpp's server, repetition looks back into the prompt; OpenAI's two penalties do
        # not
        last = sampling.repeat_last_n if sampling.repeat_last_n > 0 else len(prompt)
        for token in prompt[-last:]:
            sampler.accept(token)
    return sampler
