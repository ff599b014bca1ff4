"""One answer in the making: its tokens, how many of them the KV cache holds, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from llmd.engine.bindings import Vocab
from llmd.engine.media_span import MediaSpan
from llmd.engine.sampling import Sampler
from llmd.engine.stopping import TextStream
from llmd.protocol.events import CacheMiss, Portion, TokenLogprob, Usage
from llmd.protocol.requests import Lane, Overflow, Speculation

_USUAL_ANSWER = 256

Space = tuple[tuple[str, float], ...]
"""Adapters and their scales: only sequences of one space share decode calls and prefixes."""


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


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a prompt left what the prefix cache holds, and what stood there instead."""

    position: int
    """Tokens of the prompt before it."""
    other: list[int]
    """The next tokens of the longest prefix held."""
    evicted: int = 0
    """Tokens that were held until lately, but had to make room."""
    cold: bool = False
    """Nothing was held yet."""


class Recall(Enum):
    """Whether the disk was asked for the beginning of a prompt."""

    OPEN = auto()
    ASKED = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the parts of a rendered conversation lie, in characters of its text."""

    system_end: int
    tools_start: int = 0
    tools_end: int = 0


@dataclass(slots=True, eq=False)
class Sequence:
    """One answer in the making.

    `tokens` is the prompt followed by the answer; the first `cached` of them are in the KV cache
    under sequence id `slot`. What remains is decoded next: many tokens while the prompt is read,
    one and what was drafted behind it afterwards.
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
    space: Space = ()
    lane: Lane = Lane.INTERACTIVE
    client: str = ""
    cache_prompt: bool = True
    prompt_tokens: int = 0
    slot: int = -1
    cached: int = 0
    reused: int | None = None
    """Tokens the prefix cache held when this was admitted first; None before."""
    miss: Divergence | None = None
    shifted: bool = False
    """Whether the context was shifted: what is cached is no prefix of anything any more."""
    leader: Sequence | None = None
    """A sequence that reads a prompt with the same beginning, which this one waits for."""
    followed: int = 0
    """Tokens of the prompt that the leader reads."""
    stops: list[int] = field(default_factory=list)
    """Where followers want this prompt to be cut."""
    recall: Recall = Recall.OPEN
    passed: int = 0
    """Requests that came later but were admitted before this one, which did not fit."""
    draft: list[int] = field(default_factory=list)
    """Tokens decoded behind the last one in the next step, and kept if they turn out right."""
    speculation: Speculation = field(default_factory=Speculation)
    prediction: list[int] = field(default_factory=list)
    """Tokens that the client expects the answer to be."""
    drafted: int = 0
    accepted: int = 0
    outline: Outline | None = None
    media: list[MediaSpan] = field(default_factory=list)
    """Pictures and sounds of the prompt, in order."""
    generated: int = 0
    reasoned: int = 0
    """Tokens of the answer that were reasoning."""
    unsent: int = 0
    """Tokens decoded since the last delta."""
    explained: list[TokenLogprob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prompt_tokens = len(self.tokens) + sum(span.extra for span in self.media)

    @property
    def remaining(self) -> int:
        """Tokens that are not in the KV cache yet."""
        return len(self.tokens) - self.cached

    @property
    def patch(self) -> MediaSpan | None:
        """The picture or sound that is read next, if it is one."""
        return next((span for span in self.media if span.start == self.cached), None)

    def surplus(self, start: int) -> int:
        """Return the cells that pictures from `start` on take beyond one for each token."""
        return sum(span.extra for span in self.media if span.start >= start)

    @property
    def expected(self) -> int:
        """Tokens of an answer, for sharing out turns before its length is known."""
        return min(self.max_tokens, _USUAL_ANSWER)

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

    def usage(self, miss: CacheMiss | None = None) -> Usage:
        """Return the figures so far, with what was found out about the prefix cache."""
        t = self.timing
        return Usage(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.generated,
            cached_tokens=self.reused or 0,
            cache_miss=miss,
            dropped_tokens=self.dropped,
            reasoning_tokens=self.reasoned,
            drafted_tokens=self.drafted,
            accepted_tokens=self.accepted,
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
