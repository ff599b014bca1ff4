"""Who sends a request: the owner's own programs or others, and whose turn it takes in the line.

An API key is not looked up or kept here; a short hash of it tells clients apart.
"""

from __future__ import annotations

import hashlib
import socket
import struct

from aiohttp import web

_LONGEST = 64
_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid, see unix(7)."""


def is_owner(request: web.Request) -> bool:
    """Whether a request came over the Unix socket, which is the owner's alone."""
    return _socket(request) is not None


def caller(request: web.Request, user: str | None) -> str:
    """Return who takes turns with others: the API key a request carries, the user it names, or the
    address (process, on the Unix socket) that it comes from.
    """
    if key := _key(request):
        return f"key:{_hash(key)}"
    if user:
        return f"user:{user if len(user) <= _LONGEST else _hash(user)}"
    local = _socket(request)
    if local is not None:
        return _process(local)
    return f"address:{request.remote or 'unknown'}"


def _key(request: web.Request) -> str:
    scheme, _, key = request.headers.get("Authorization", "").strip().partition(" ")
    if key and scheme.lower() == "bearer":
        return key.strip()
    return request.headers.get("X-Api-Key", "").strip()


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


def _socket(request: web.Request) -> socket.socket | None:
    transport = request.transport
    found = transport.get_extra_info("socket") if transport else None
    return found if found is not None and found.family == socket.AF_UNIX else None


def _process(local: socket.socket) -> str:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # pragma: no cover  not on Linux
        return "local"
    try:
        raw = local.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    except OSError:  # pragma: no cover  the other end is gone
        return "local"
    return f"local:{_CREDENTIALS.unpack(raw)[0]}"
