"""One answer in the making: its tokens, how many of them the KV cache holds, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmd.engine.sampling import Sampler
from llmd.engine.stopping import TextStream
from llmd.protocol.events import TokenLogprob, Usage
from llmd.protocol.requests import Overflow


@dataclass(slots=True)
class Timing:
    """Monotonic seconds at which a sequence passed its stations; 0 until it did."""

    arrived: float
    admitted: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0


@dataclass(slots=True, eq=False)
class Sequence:
    """One answer in the making.

    `tokens` is the prompt followed by the answer; the first `cached` of them are in the KV cache
    under sequence id `slot`. What remains is decoded next: many tokens while the prompt is read,
    one afterwards.
    """

    id: int
    tokens: list[int]
    sampler: Sampler
    text: TextStream
    timing: Timing
    max_tokens: int
    ignore_eos: bool = False
    overflow: Overflow = Overflow.ERROR
    logprobs: int | None = None
    dropped: int = 0
    prompt_tokens: int = 0
    slot: int = -1
    cached: int = 0
    generated: int = 0
    unsent: int = 0
    """Tokens decoded since the last delta."""
    explained: list[TokenLogprob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prompt_tokens = len(self.tokens)

    @property
    def remaining(self) -> int:
        """Tokens that are not in the KV cache yet."""
        return len(self.tokens) - self.cached

    @property
    def decoding(self) -> bool:
        """Whether the prompt is read and one token a step is left to do."""
        return self.generated > 0 and self.remaining == 1

    def usage(self) -> Usage:
        """Return the figures so far."""
        t = self.timing
        return Usage(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.generated,
            dropped_tokens=self.dropped,
            queue_seconds=max(0.0, t.admitted - t.arrived),
            prefill_seconds=max(0.0, t.first_token - t.admitted),
            decode_seconds=max(0.0, t.last_token - t.first_token),
        )
