"""What was asked for lately, and so what will be asked for next. Pure.

Time is counted in changes: one for every request for another model than the one before, so that
what loading does to the clock says nothing. A model that comes back in regular steps, as in a chain
of agents, is expected at its next one; others as often as they came; and one that has not come for
longer than usual not before it has been away as long again, which is what LRU expects of all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

_GAPS = 8
_REGULAR = 3
"""Equal gaps in a row that make a rhythm."""
_PATIENCE = 2.0
"""How many times its usual pause a model counts as between two requests."""


@dataclass(slots=True)
class _Past:
    last: int
    at: float
    gaps: deque[int] = field(default_factory=lambda: deque(maxlen=_GAPS))
    """Changes from one of its turns in the stream of requests to the next."""
    pauses: deque[float] = field(default_factory=lambda: deque(maxlen=_GAPS))
    """Seconds from one request to the next."""


class History:
    """The requests of a daemon's life, as far as they tell the future."""

    def __init__(self) -> None:
        self._now = 0
        self._latest = ""
        self._models: dict[str, _Past] = {}

    def note(self, name: str, now: float) -> None:
        """A request for a model came."""
        changed = name != self._latest
        self._latest = name
        self._now += changed
        past = self._models.get(name)
        if past is None:
            self._models[name] = _Past(self._now, now)
            return
        past.pauses.append(now - past.at)
        past.at = now
        if changed:
            past.gaps.append(self._now - past.last)
            past.last = self._now

    def expected(self, name: str) -> float:
        """Return in how many changes a model will be asked for again, at least 1."""
        past = self._models.get(name)
        if past is None:
            return float(max(1, self._now))
        age = self._now - past.last
        gaps = list(past.gaps)
        rhythm = gaps[-_REGULAR:]
        if len(rhythm) == _REGULAR and min(rhythm) == max(rhythm) and age < rhythm[0]:
            return float(rhythm[0] - age)
        # one long absence, as between two pieces of work, does not make it rare
        usual = float(median(gaps)) if gaps else 0.0
        return max(1.0, float(age), usual)

    def rest(self, name: str, longest: float) -> float:
        """Return how many seconds after its last request a model may still be between two, if that
        is no more than `longest`, else 0.
        """
        past = self._models.get(name)
        if past is None or not past.pauses:
            return 0.0
        seconds = _PATIENCE * median(past.pauses)
        return seconds if seconds <= longest else 0.0
