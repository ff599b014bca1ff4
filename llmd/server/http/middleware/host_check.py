"""Refuses requests whose Host header is not ours: a web page must not reach a local daemon by DNS
rebinding.

Only while the listener is on loopback; an address that was opened to others on purpose is called by
many names.
"""

from __future__ import annotations

import ipaddress

from aiohttp import web

from llmd.errors import AccessDenied
from llmd.server.http.boundary import Handler
from llmd.server.http.keys import SETTINGS


def is_loopback(host: str) -> bool:
    """Whether a listener on this host is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """Return the host of a Host header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


@web.middleware
async def host_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let names of this machine through, raise AccessDenied for others."""
    name = host_name(request.headers.get("Host", ""))
    if (
        is_loopback(request.app[SETTINGS].host)
        and name
        and not (is_loopback(name) or name.endswith(".localhost"))
    ):
        raise AccessDenied(
            f"llmd does not answer to the host name {name}.", hint="Use localhost or 127.0.0.1."
        )
    return await handler(request)
