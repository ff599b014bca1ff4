"""Where programs on this machine reach what a daemon listens on."""

from __future__ import annotations

from urllib.parse import urlsplit

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what a daemon may listen on


def reachable(host: str, port: int) -> str:
    """Return the address by which programs here reach what listens on a host."""
    host = _ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def local(told: str) -> str:
    """Return an address as the daemon tells it in one by which programs here reach it."""
    found = urlsplit(told)
    return reachable(found.hostname or "", found.port or 0)
