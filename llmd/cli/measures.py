"""What `llmd bench` measures: cases, and the figures of their rounds. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from llmd.client.load import Outcome, Work

_SHARING = 16


class Case(msgspec.Struct, frozen=True):
    """One measurement; `figure` is what counts of an outcome, more of it is better."""

    name: str
    figure: str
    unit: str
    work: Any  # a Work: naming it here would load aiohttp with every command


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much work: words and tokens."""

    prompt: int
    answer: int
    concurrency: Sequence[int]


def cases(size: Size, work: type[Work]) -> list[Case]:
    """Return the measurements in the order in which they are run."""
    short = max(8, size.prompt // 8)
    sweep = [
        Case(
            f"{streams} stream{'s' if streams > 1 else ''}",
            "rate",
            "tokens/s",
            work(
                requests=streams * (2 if streams > 1 else 1),
                concurrency=streams,
                prompt=short,
                answer=size.answer,
            ),
        )
        for streams in size.concurrency
    ]
    sharing = work(
        requests=_SHARING,
        concurrency=_SHARING // 2,
        prompt=max(4, size.prompt // 16),
        answer=max(2, size.answer // 4),
        shared=size.prompt,
    )
    return [
        Case(
            "prompt",
            "prompt_rate",
            "tokens/s",
            work(requests=1, concurrency=1, prompt=size.prompt, answer=1),
        ),
        Case(
            "generation",
            "stream_rate",
            "tokens/s",
            work(requests=1, concurrency=1, prompt=short, answer=2 * size.answer),
        ),
        *sweep,
        Case("shared prefix", "rate", "tokens/s", sharing),
    ]


class Figures(msgspec.Struct, frozen=True):
    """The medians of several rounds of one case on one server."""

    value: float | None
    """What the case measures; None: nothing came."""
    first_token: float | None
    """Seconds."""
    seconds: float
    """Of a whole round."""
    prompt_tokens: int
    """Of the longest prompt."""
    cached_share: float
    errors: int
    short: int
    """Answers with fewer tokens than asked for."""
    error: str = ""
    """The first one."""


def figures(case: Case, rounds: Sequence[Outcome]) -> Figures:
    """Return what the rounds of a case gave."""
    failed = [error for outcome in rounds for error in outcome.errors]
    read = [answer.prompt_tokens for outcome in rounds for answer in outcome.good]
    return Figures(
        value=_known([getattr(outcome, case.figure) for outcome in rounds]),
        first_token=_known([outcome.first_token for outcome in rounds]),
        seconds=round(statistics.median(outcome.seconds for outcome in rounds), 4),
        prompt_tokens=max(read, default=0),
        cached_share=round(statistics.median(outcome.cached_share for outcome in rounds), 4),
        errors=len(failed),
        short=sum(outcome.short for outcome in rounds),
        error=failed[0] if failed else "",
    )


def _known(values: Sequence[float]) -> float | None:
    numbers = [value for value in values if not math.isnan(value)]
    return round(statistics.median(numbers), 4) if numbers else None


def ratio(ours: Figures, theirs: Figures) -> float | None:
    """Return how many times as quick we are, None where one of the two gave nothing."""
    if ours.value is None or not theirs.value:
        return None
    return round(ours.value / theirs.value, 3)
