"""What outside pressure on the memory calls for: caches shrink first, then idle models go. Pure.

Pressure is too little memory left (of the machine, or of the control group), or everybody standing
still for memory, as Linux tells in its pressure files (PSI, "full": no task could run).
"""

from __future__ import annotations

from dataclasses import dataclass

_STALLED = 10.0
"""Percent of the last ten seconds in which everything stood still."""
_SETTLE = 5.0
"""Seconds that a measure is given to take effect."""
_PORTION = 64 * 2**20
"""Least that caches are asked for."""
_PSI = "full"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the memory, in bytes; `stalled` in percent."""

    available: int
    reserve: int
    """What should stay available."""
    stalled: float = 0.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What to do now: give up so many bytes of caches, or unload one idle model."""

    shrink: int = 0
    unload: bool = False


class Strain:
    """Judges one reading after the other."""

    def __init__(self) -> None:
        self._acted = -_SETTLE
        self._shrunk = False

    def judge(self, reading: Reading, now: float) -> Measure:
        """Return what a reading calls for; nothing while the last measure settles."""
        short = reading.reserve - reading.available
        stalled = reading.stalled >= _STALLED
        if short <= 0 and not stalled:
            self._shrunk = False
            return Measure()
        if now - self._acted < _SETTLE:
            return Measure()
        if not self._shrunk:
            self._acted, self._shrunk = now, True
            return Measure(shrink=max(short, _PORTION))
        if short <= 0:
            return Measure()  # others stall: our models are not what is missing
        self._acted = now
        return Measure(unload=True)

    def nothing_left(self) -> None:
        """No idle model could be unloaded: begin with the caches again."""
        self._shrunk = False


def stalled(text: str) -> float:
    """Return the share of time, in percent, of the last ten seconds in which everything stood still
    for memory; 0 where the kernel does not tell.
    """
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        fields = dict(part.split("=", 1) for part in rest.split() if "=" in part)
        if kind == _PSI and "avg10" in fields:
            try:
                return float(fields["avg10"])
            except ValueError:
                return 0.0
    return 0.0
