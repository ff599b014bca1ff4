"""What a worker tells about its engine from second to second, and the speeds this amounts to."""

from __future__ import annotations

from collections import deque

import msgspec

from llmd.protocol.frames import Figures
from llmd.protocol.models import Activity

_LATELY = 10.0


class Pulse:
    """The figures of the last seconds. Clocks are passed in."""

    def __init__(self) -> None:
        self._lately: deque[tuple[float, Figures]] = deque()

    def beat(self, figures: Figures, now: float) -> None:
        """Take new figures."""
        self._forget(now)
        self._lately.append((now, figures))

    def activity(self, now: float) -> Activity:
        """Return how the engine stands. A worker is silent while it has nothing to do, so the
        speeds fall to nothing then.
        """
        if not self._lately:
            return Activity()
        self._forget(now)
        since, first = self._lately[0]
        _, last = self._lately[-1]
        passed = max(now - since, 1e-9)
        return Activity(
            **msgspec.structs.asdict(last),
            read_per_second=round((last.read_tokens - first.read_tokens) / passed, 2),
            generated_per_second=round(
                (last.generated_tokens - first.generated_tokens) / passed, 2
            ),
            draft_acceptance=round(last.accepted_tokens / last.drafted_tokens, 4)
            if last.drafted_tokens
            else None,
        )

    def _forget(self, now: float) -> None:
        """Drop what is no longer lately, but keep the newest."""
        while len(self._lately) > 1 and now - self._lately[0][0] > _LATELY:
            self._lately.popleft()
