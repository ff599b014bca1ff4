"""Which tokens go to the daemon together. Pure: told what a step gave, and when.

Where many answers are written quickly, a token on its way costs daemon and client more than the
worker that writes it. So tokens of a few steps travel together, as long as none of them waits for
longer than anybody can see. vLLM has the same as `--stream-interval`. First and last tokens never
wait, nor do those of few answers or of slow steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmd.protocol.events import Delta
from llmd.protocol.frames import WorkerEvent

_LONGEST = 1 / 60
"""Seconds that a token is held back at most, if the next step takes no longer than the last: what
screens show in one picture.
"""
_MANY = 4
"""Answers from which on it pays."""


class Bundling:
    """What waits since when; all times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._before = 0.0

    def waits(self, events: Sequence[tuple[int, WorkerEvent]], now: float, *, steady: bool) -> bool:
        """Say whether what a step gave waits for the next step, which will be like it if `steady`.
        Otherwise all that waits has to go.
        """
        seconds, self._before = now - self._before, now
        since = now if self._since is None else self._since
        if (
            steady
            and len(events) >= _MANY
            and now - since + seconds <= _LONGEST
            and all(type(event) is Delta for _, event in events)
        ):
            self._since = since
            return True
        self._since = None
        return False
