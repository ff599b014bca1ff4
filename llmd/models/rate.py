"""Bytes per second as a moving average, pure: the clock is passed in."""

from __future__ import annotations

from collections import deque

_WINDOW = 5.0


class Rate:
    """Looks back over the last seconds, so that it settles after a stall and does not flicker."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> float:
        """Take a reading of the bytes that are there; return bytes per second."""
        if self._points and done < self._points[-1][1]:
            self._points.clear()
        self._points.append((now, done))
        while len(self._points) > 2 and self._points[1][0] <= now - _WINDOW:  # noqa: PLR2004  a rate needs two points
            self._points.popleft()
        since, before = self._points[0]
        return (done - before) / (now - since) if now > since else 0.0
