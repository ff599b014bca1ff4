"""What a request shows of its sender: a key or a token, and where it comes from."""

from __future__ import annotations

import socket
import struct

from aiohttp import web

from llmd.protocol.callers import Credentials
from llmd.server.http.forwarded import sender
from llmd.server.http.keys import IDENTITY, SETTINGS, TRUSTED

_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid, see unix(7)."""


def credentials(request: web.Request) -> Credentials:
    """Return what a request shows. WebSockets, whose headers browsers do not set, may show a token
    as `?token=`.
    """
    trusted = request.app[TRUSTED]
    proxies = request.app[SETTINGS].trusted_proxies
    remote = sender(request.remote or "unknown", request.headers, proxies)
    return Credentials(
        token=_token(request),
        address="" if trusted else remote,
        process=_process(request) if trusted else "",
        trace=request.get(IDENTITY, ""),
    )


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    if token and scheme.lower() == "bearer":
        return token.strip()
    if key := request.headers.get("X-Api-Key", "").strip():
        return key
    upgrades = request.headers.get("Upgrade", "").lower() == "websocket"
    return request.query.get("token", "").strip() if upgrades else ""


def _process(request: web.Request) -> str:
    local = request.transport.get_extra_info("socket") if request.transport else None
    option = getattr(socket, "SO_PEERCRED", None)
    if local is None or option is None or local.family != socket.AF_UNIX:
        return "local"
    try:
        raw = local.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    except OSError:  # pragma: no cover  the other end is gone
        return "local"
    return f"local:{_CREDENTIALS.unpack(raw)[0]}"
