"""Amounts in words, as narrow as they can be read. Pure."""

from __future__ import annotations

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_THOUSAND = 1000
_HUNDRED = 100
_TEN = 10
_MILLISECONDS = 0.9995
"""Seconds below which a time is told in milliseconds; what would round up is told in seconds."""
_HUNDREDTHS = 9.995


def size(count: float) -> str:
    """Return bytes in at most three figures and a unit: `4.2 GB`."""
    return f"{_short(count, ('B', 'kB', 'MB', 'GB', 'TB'), ' ')}"


def count(number: float) -> str:
    """Return a number in at most three figures and a letter: `12.3k`."""
    return _short(number, ("", "k", "M", "B", "T"), "")


def _short(number: float, units: tuple[str, ...], space: str) -> str:
    place = 0
    while number >= _THOUSAND - 0.5 and place < len(units) - 1:
        number /= _THOUSAND
        place += 1
    whole = place == 0 or number >= _HUNDRED - 0.05
    return f"{number:.0f}{space}{units[place]}" if whole else f"{number:.1f}{space}{units[place]}"


def duration(seconds: float) -> str:
    """Return a length of time in its largest unit, or two: `42s`, `3m`, `2h05`, `3d`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        minutes, rest = divmod(whole, _MINUTE)
        return f"{minutes}m{rest:02}" if minutes < _TEN else f"{minutes}m"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}"
    return f"{whole // _DAY}d"


def seconds(value: float | None) -> str:
    """Return a short time with the precision that it deserves: `85 ms`, `1.24 s`, `12 s`; nothing
    for None.
    """
    if value is None:
        return ""
    if value < _MILLISECONDS:
        return f"{value * _THOUSAND:.0f} ms"
    if value < _HUNDREDTHS:
        return f"{value:.2f} s"
    return f"{value:.0f} s" if value < 2 * _MINUTE else duration(value)


def rate(tokens: float) -> str:
    """Return tokens per second: `41.3 t/s`."""
    return f"{tokens:.1f} t/s" if tokens < _HUNDRED else f"{count(tokens)} t/s"


def share(part: float, whole: float) -> float:
    """Return a share between 0 and 1; of nothing it is 0."""
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0
