"""How long the first step of a burst of requests waits for the next one. Pure: told when requests
came.

Prompts that are read in one decode call are read quicker than one after the other, and their
answers stay together. But nobody should wait for company that does not come: how long is worth it
is learned from those that came just too late.
"""

from __future__ import annotations

BURST = 0.02
"""Seconds for which requests are gathered at most."""
_LEAST = 0.001
_MOST = 0.005
_AMPLE = 1.5
"""How much longer to wait than the gap that was just too long."""
_DECAY = 0.7


class Gathering:
    """The gaps between requests of one burst; all times are monotonic seconds.

    One thread may call `came` while another calls `begin`: at worst a gap is not learned from.
    """

    def __init__(self) -> None:
        self.moment = _LEAST
        """Seconds to wait for one more request."""
        self._began = 0.0
        self._last = 0.0
        self._count = 0
        self._late = False

    def came(self, at: float) -> None:
        """Note when a request came, be it gathered or too late for that."""
        gap, self._last = at - self._last, max(at, self._last)
        self._count += 1
        if 0 < at - self._began < BURST and 0 <= gap < _MOST:
            self._late = True
            self.moment = min(_MOST, max(self.moment, _AMPLE * gap))

    def begin(self, now: float) -> None:
        """Note that what was gathered is begun."""
        if self._count == 1 and not self._late:
            self.moment = max(_LEAST, _DECAY * self.moment)
        self._began, self._count, self._late = now, 0, False
