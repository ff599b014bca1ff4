"""Refuses requests whose Host header is not ours: a web page must not reach a local daemon by DNS
rebinding, which needs a name that its owner can point first at the page's server and then here.

Without `security.hosts` only while the listener is on loopback; an address that was opened to
others on purpose is called by many names.
"""

from __future__ import annotations

import ipaddress

from aiohttp import hdrs, web

from llmd.config.networks import is_loopback
from llmd.errors import AccessDenied
from llmd.security.origins import listed, own
from llmd.server.http.boundary import Handler
from llmd.server.http.keys import SERVICES, SETTINGS


def host_name(header: str) -> str:
    """Return the host of a Host header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


@web.middleware
async def host_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let names of this machine through, raise AccessDenied for others."""
    name = host_name(request.headers.get("Host", ""))
    hosts = listed(request.app[SERVICES].security.hosts)
    alone = is_loopback(request.app[SETTINGS].host)
    ours = _is_ours(name, alone=alone) or name in hosts or _is_private(request, name)
    if name and (alone or hosts) and not ours:
        raise AccessDenied(
            f"llmd does not answer to the host name {name[:100]}.",
            hint="Use localhost or 127.0.0.1, or add the name to security.hosts.",
        )
    return await handler(request)


def _is_ours(name: str, *, alone: bool) -> bool:
    if is_loopback(name) or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    # an address cannot be rebound: who calls a reachable machine by its number knows it, and
    # 0.0.0.0 is this machine
    return not alone or address.is_unspecified


def _is_private(request: web.Request, name: str) -> bool:
    """Whether a program calls by a name such as host.docker.internal, as containers do.

    ICANN has reserved `.internal` for private use: nobody can register a name there, so no stranger
    has one to rebind. Whoever runs the resolver of a network could still make one up. Pages that
    were loaded by such a name therefore count as foreign; they cannot leave out Origin where
    something changes or a WebSocket opens. Nor is anybody who comes by it the owner
    (web/entrance.py).
    """
    origin = request.headers.get(hdrs.ORIGIN, "")
    return name.endswith(".internal") and not own(origin, request.headers.get(hdrs.HOST, ""))
