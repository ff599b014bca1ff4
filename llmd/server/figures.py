"""Sizes, lengths of time and moments as the documents write them: `28GB`, `10s`, `5m`,
`2025-05-22T10:00:00Z`. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime

_STEP = 1000
_TEN = 10
_MINUTE, _HOUR = 60, 3600


def size(count: float) -> str:
    """Return bytes, in powers of ten: with one place behind the point where the number is small."""
    unit = "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if round(count) < _STEP or unit == "TB":
            break
        count /= _STEP
    text = f"{count:.1f}" if count < _TEN and unit != "B" else f"{count:.0f}"
    return text.removesuffix(".0") + unit


def length(seconds: float) -> str:
    """Return a length of time: hours and minutes, minutes and seconds, or seconds."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m" + (f"{whole % _MINUTE}s" if whole % _MINUTE else "")
    minutes = round(seconds / _MINUTE)
    return f"{minutes // _MINUTE}h" + (f"{minutes % _MINUTE}m" if minutes % _MINUTE else "")


def moment(seconds: float) -> str:
    """Return a time since the epoch as RFC 3339 has it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
