"""One answer in the making: its tokens, how many of them the KV cache holds, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from llmd.engine.bindings import Vocab
from llmd.engine.sampling import Sampler
from llmd.engine.stopping import TextStream
from llmd.protocol.events import Portion, TokenLogprob, Usage
from llmd.protocol.requests import Overflow


@dataclass(slots=True)
class Timing:
    """Monotonic seconds at which a sequence passed its stations; 0 until it did."""

    arrived: float
    admitted: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0


class Reader(Protocol):
    """Tells the answer, the reasoning and the tool calls in a model's text apart."""

    @property
    def visible(self) -> frozenset[int]:
        """Control tokens whose text must reach `push`; all others are invisible."""

    @property
    def thinking(self) -> bool:
        """Whether the text so far ends inside reasoning."""

    @property
    def called(self) -> bool:
        """Whether the text so far holds a tool call."""

    def push(self, text: str) -> Portion:
        """Take more text; return what is now known to be what."""

    def close(self) -> Portion:
        """Return what was held back when the text ends here."""


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
    reader: Reader | None = None
    """None: all text is the answer."""
    ignore_eos: bool = False
    overflow: Overflow = Overflow.ERROR
    logprobs: int | None = None
    dropped: int = 0
    prompt_tokens: int = 0
    slot: int = -1
    cached: int = 0
    generated: int = 0
    reasoned: int = 0
    """Tokens of the answer that were reasoning."""
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

    def read(self, token: int, vocab: Vocab) -> Portion:
        """Add the text of one token of the answer; return what may be shown now."""
        if self.reader is None:
            return Portion(self.text.push(vocab.piece(token)))
        self.reasoned += self.reader.thinking
        text = self.text.push(vocab.piece(token, special=token in self.reader.visible))
        return self.reader.push(text)

    def rest(self) -> Portion:
        """Return what was held back; the answer ends here."""
        text = self.text.close()
        if self.reader is None:
            return Portion(text)
        return joined(self.reader.push(text), self.reader.close())

    def usage(self) -> Usage:
        """Return the figures so far."""
        t = self.timing
        return Usage(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.generated,
            dropped_tokens=self.dropped,
            reasoning_tokens=self.reasoned,
            queue_seconds=max(0.0, t.admitted - t.arrived),
            prefill_seconds=max(0.0, t.first_token - t.admitted),
            decode_seconds=max(0.0, t.last_token - t.first_token),
        )


def joined(first: Portion, second: Portion) -> Portion:
    """Return two portions that follow each other as one."""
    return Portion(
        first.text + second.text,
        first.reasoning + second.reasoning,
        [*first.calls, *second.calls],
    )
