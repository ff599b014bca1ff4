"""Human-readable amounts: `"5m"` is a Duration of 300 seconds, `"64MiB"` a Size of 67108864
bytes.
"""

from __future__ import annotations

import math
import re
from typing import Any, Self

from llmd.config.hours import Hours
from llmd.config.networks import Networks

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
# whatever stands before the last @ of a URL: people forget to escape theirs
_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):.*@|(?<=[?&]password=)[^&\s]*")
_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*")


class Duration(float):
    """Seconds; a negative one means for ever."""

    ALLOWED = 'a duration such as "30s", "5m" or "1h", a number of seconds, or -1 for no limit'

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read `"5m"`, `300` or `-1`; raise ValueError on anything else."""
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return cls(value)
        if isinstance(value, str):
            if value.strip() in {"-1", "forever"}:
                return cls(-1)
            match = _AMOUNT.fullmatch(value)
            if match and (match[2] or "s") in _SECONDS:
                return cls(float(match[1]) * _SECONDS[match[2] or "s"])
        raise ValueError(f"expected {cls.ALLOWED}")

    @property
    def limited(self) -> bool:
        """Whether it ends at all."""
        return self >= 0

    def __str__(self) -> str:
        if self < 0:
            return "-1"
        for unit in ("d", "h", "m"):
            if self >= _SECONDS[unit] and self % _SECONDS[unit] == 0:
                return f"{int(self // _SECONDS[unit])}{unit}"
        # never with an exponent, which parse() would not read
        return f"{self:.3f}".rstrip("0").rstrip(".") + "s"


class Size(int):
    """Bytes."""

    ALLOWED = 'a size such as "512MiB" or "4GB", or a number of bytes'

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read `"64MiB"`, `"4GB"` or `4096`; raise ValueError on anything else."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return cls(value)
        if isinstance(value, str):
            match = _AMOUNT.fullmatch(value)
            if match and match[2].lower() in _BYTES:
                return cls(float(match[1]) * _BYTES[match[2].lower()])
        raise ValueError(f"expected {cls.ALLOWED}")

    def __str__(self) -> str:
        for unit, label in (("tib", "TiB"), ("gib", "GiB"), ("mib", "MiB"), ("kib", "KiB")):
            if self >= _BYTES[unit] and self % _BYTES[unit] == 0:
                return f"{self // _BYTES[unit]}{label}"
        return f"{int(self)}"


def decode(kind: type, value: object) -> Any:
    """Decode the custom types for msgspec (`dec_hook`)."""
    if issubclass(kind, Duration | Size | Hours | Networks):
        return kind.parse(value)
    raise NotImplementedError(f"no decoder for {kind}")


def encode(value: object) -> Any:
    """Encode the custom types for msgspec (`enc_hook`)."""
    if isinstance(value, Duration | Size | Hours | Networks):
        return str(value)
    raise NotImplementedError(f"no encoder for {type(value)}")


def concealed(value: object) -> object:
    """Return a setting as it may be shown: without the password of a URL."""
    if not isinstance(value, str):
        return value
    return _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] is not None else "***", value)
