"""Keeps all running downloads within the limit they share."""

from __future__ import annotations

from llmd.models.bandwidth import Bandwidth
from llmd.models.child import Throttle


class Pacing:
    """Gives each download its throttle, and moves the throttles as downloads come and go."""

    def __init__(self, limit: int = 0) -> None:
        self._bandwidth: Bandwidth[Throttle] = Bandwidth(limit)
        self._throttles: list[Throttle] = []

    def join(self, throttle: Throttle, own: int = 0) -> None:
        """Begin to steer a throttle, which has perhaps a limit of its `own`, or change that."""
        self._bandwidth.join(throttle, own)
        if throttle not in self._throttles:
            self._throttles.append(throttle)
        self._apply()

    def leave(self, throttle: Throttle) -> None:
        """Steer it no longer."""
        self._bandwidth.leave(throttle)
        if throttle in self._throttles:
            self._throttles.remove(throttle)
        self._apply()

    def observe(self, throttle: Throttle, rate: float) -> None:
        """Note how quickly its download goes, in bytes per second."""
        self._bandwidth.observe(throttle, rate)
        self._apply()

    def _apply(self) -> None:
        for throttle in self._throttles:
            throttle.set(self._bandwidth.share(throttle))
