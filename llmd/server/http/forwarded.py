"""Where a request comes from that a reverse proxy has handed on.

Anybody can write these headers, so they count only when the connection comes from a proxy that the
settings name. Of X-Forwarded-For, to which each proxy adds at the end, the last address counts that
is none of these proxies: what stands before it may be invented.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from llmd.config.networks import Networks


def sender(remote: str, headers: Mapping[str, str], proxies: Networks) -> str:
    """Return the address of the client; `remote` is that of the connection."""
    if not proxies.contain(remote):
        return remote
    chain = [_address(part) for part in headers.get("X-Forwarded-For", "").split(",")]
    found = remote
    for address in reversed(chain):
        if not address:
            break
        found = address
        if not proxies.contain(address):
            return address
    return found if found != remote else _address(headers.get("X-Real-IP", "")) or remote


def secure(scheme: str, remote: str, headers: Mapping[str, str], proxies: Networks) -> bool:
    """Whether the client speaks HTTPS, be it to a proxy that hands on."""
    told = headers.get("X-Forwarded-Proto", "") if proxies.contain(remote) else ""
    return (told.split(",")[0].strip().lower() or scheme) == "https"


def _address(text: str) -> str:
    """Return an address without port and brackets; empty: it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
