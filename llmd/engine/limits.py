"""What a step may carry, and how many CPU threads it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in tokens, but for `parallel` and `slots` (sequences) and `max_queue` (requests)."""

    parallel: int
    slots: int
    """Sequence ids, for running sequences and parked prefixes together."""
    kv_tokens: int
    batch: int
    prefill_chunk: int
    max_queue: int
    slowdown: float = 2.0
    """How much longer a step may take because a prompt is read beside running answers."""

    def step(self, wanted: int) -> int:
        """Return the prompt tokens of a step that has `wanted` left to read and no answers to
        write: a batch, or all of them where less than half a batch would remain, because the
        machine makes poor use of small batches.
        """
        return wanted if wanted <= self.largest else self.batch

    @property
    def largest(self) -> int:
        """Tokens that a decode call carries at most."""
        return largest_batch(self.batch)


def largest_batch(batch: int) -> int:
    """Return the tokens of the largest decode call where `batch` are usual, see `Limits.step`."""
    return batch + batch // 2


@dataclass(frozen=True, slots=True)
class Threads:
    """CPU threads of steps that only write answers, and of those that read prompts, too."""

    decode: int
    prefill: int

    def step(self, reading: int) -> int:
        """Return the threads of a step that reads so many prompt tokens.

        llmd says so itself: llama.cpp takes whatever has two tokens or more for a prompt.
        """
        return self.prefill if reading else self.decode
