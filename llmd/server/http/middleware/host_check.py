"""Refuses requests whose Host header is not ours: a web page must not reach a local daemon by DNS
rebinding.

Without `security.hosts` only while the listener is on loopback; an address that was opened to
others on purpose is called by many names.
"""

from __future__ import annotations

import ipaddress

from aiohttp import web

from llmd.config.networks import is_loopback
from llmd.errors import AccessDenied
from llmd.security.origins import listed
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
    if name and (alone or hosts) and not (_is_ours(name, alone=alone) or name in hosts):
        raise AccessDenied(
            f"llmd does not answer to the host name {name[:100]}.",
            hint="Use localhost or 127.0.0.1, or add the name to security.hosts.",
        )
    return await handler(request)


def _is_ours(name: str, *, alone: bool) -> bool:
    if is_loopback(name) or name.endswith(".localhost"):
        return True
    # rebinding needs a name; who calls a reachable machine by its number knows it
    return not alone and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
