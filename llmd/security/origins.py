"""Which web pages may call: browsers say in `Origin` where a page comes from, other programs send
none.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from llmd.config.networks import is_loopback

_WEB = {"http", "https"}
_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=16)
def listed(text: str) -> frozenset[str]:
    """Return what stands between the commas of a setting."""
    return frozenset(part.strip().lower().rstrip("/") for part in text.split(",") if part.strip())


def configured(origin: str, allowed: frozenset[str]) -> bool:
    """Whether an origin is one that the settings name; `*` names all."""
    return "*" in allowed or origin.lower().rstrip("/") in allowed


def own(origin: str, host: str) -> bool:
    """Whether a page comes from the very address that it calls: the Host header's."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in _WEB or not host:
        return False
    port = _PORTS[parts.scheme]
    return _with_port(parts.netloc, port) == _with_port(host, port)


def local(origin: str) -> bool:
    """Whether it is of this machine: a page of a local server, or a desktop program's own
    (`app://...`). `null` is not: any page can put itself into a frame without an origin.
    """
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme in _WEB:
        return is_loopback(host) or host.endswith(".localhost")
    return bool(parts.scheme) and "://" in origin


def _with_port(place: str, port: int) -> str:
    place = place.lower()
    return place if place.rpartition("]")[2].count(":") else f"{place}:{port}"
