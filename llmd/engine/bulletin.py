"""What the engine tells about itself: to those who wait or whose prompt is being read, where they
stand; to everybody else, figures.

Counts include answers under way and never go down, so that whoever reads them twice can take the
difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from llmd.engine.scheduler import Scheduler
from llmd.engine.sequence import Sequence
from llmd.protocol.events import Queued, Reading, Usage
from llmd.protocol.frames import Figures


@dataclass(slots=True)
class Totals:
    """What has been done since the start."""

    steps: int = 0
    read_tokens: int = 0
    reused_tokens: int = 0
    generated_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0

    def add(self, usage: Usage) -> None:
        """Count an answer, or what there is of it."""
        self.reused_tokens += usage.cached_tokens
        self.generated_tokens += usage.completion_tokens
        self.drafted_tokens += usage.drafted_tokens
        self.accepted_tokens += usage.accepted_tokens


class Bulletin:
    """The news of one engine."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._told: dict[int, Queued | Reading] = {}

    def place(self, sequence: Sequence) -> Queued:
        """Return where a sequence stands that has just been queued."""
        line = self._scheduler.waiting
        place = next(index for index, other in enumerate(line) if other is sequence)
        queued = Queued(place, self._scheduler.wait(place, sequence.timing.arrived))
        self._told[sequence.id] = queued
        return queued

    def news(self, now: float) -> list[tuple[int, Queued | Reading]]:
        """Return where requests stand whose place in the line has changed, or whose wait turned
        out another, and how far those are whose prompts are being read.
        """
        found: dict[int, Queued | Reading] = {
            sequence.id: Queued(place, self._scheduler.wait(place, now))
            for place, sequence in enumerate(self._scheduler.waiting)
        }
        for sequence in self._scheduler.attached:
            if not sequence.generated:
                found[sequence.id] = Reading(sequence.cached, sequence.reused or 0)
        told, self._told = self._told, found
        return [(r, news) for r, news in found.items() if _moved(news, told.get(r))]

    def figures(self, totals: Totals, sequences: Iterable[Sequence], now: float) -> Figures:
        """Return how the engine stands; `totals` are those of the sequences that left, `sequences`
        are the others.
        """
        scheduler = self._scheduler
        cache, waiting = scheduler.cache, len(scheduler.waiting)
        counts = replace(totals)
        for sequence in sequences:
            counts.add(sequence.usage())
        return Figures(
            running=len(scheduler.running),
            waiting=waiting,
            estimated_wait=scheduler.wait(waiting, now),
            kv_used=cache.used(scheduler.attached),
            kv_parked=cache.spare(),
            prefixes=len(cache.tree.parked),
            **asdict(counts),
        )


def _moved(news: Queued | Reading, told: Queued | Reading | None) -> bool:
    if isinstance(news, Queued) and isinstance(told, Queued):
        # a guess that was far off is told again though the line stands
        off = abs(news.estimated_wait - told.estimated_wait) > max(1.0, told.estimated_wait / 4)
        return news.position != told.position or off
    return news != told
