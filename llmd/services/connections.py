"""How many clients are connected, and how many more may be."""

from __future__ import annotations

from llmd.telemetry.metrics import Metrics


class Connections:
    """Counts connections of all listeners."""

    def __init__(self, metrics: Metrics, most: int = 0) -> None:
        """At most `most` over TCP; 0: any number."""
        self._most = most
        self._trusted = 0
        self._others = 0
        metrics.show_connections(lambda: self.open)

    @property
    def open(self) -> int:
        """Those that are open now."""
        return self._trusted + self._others

    def enter(self, *, trusted: bool) -> bool:
        """Count one more; False, and it is not counted, where there are too many. The owner's, on
        the Unix socket, are always taken.
        """
        if trusted:
            self._trusted += 1
        elif self._most and self._others >= self._most:
            return False
        else:
            self._others += 1
        return True

    def leave(self, *, trusted: bool) -> None:
        """Count one less."""
        if trusted:
            self._trusted -= 1
        else:
            self._others -= 1
