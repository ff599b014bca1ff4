"""Headers of gRPC calls, both ways. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from llmd.config.networks import Networks
from llmd.protocol.callers import Credentials
from llmd.server.http.forwarded import sender

Metadata = tuple[tuple[str, str | bytes], ...]

_TRACE = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_ADDRESS = re.compile(r"ipv[46]:\[?(?P<host>[^\]]+?)\]?:\d+")
_FORWARDED = ("X-Forwarded-For", "X-Real-IP")
_NOWHERE = Networks("")
_UNWANTED = re.compile(r"[^\x20-\x7e]")


def first_values(sent: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    """Return the headers that are text; of repeated ones the first counts."""
    found: dict[str, str] = {}
    for key, value in sent:
        if isinstance(value, str):
            found.setdefault(key, value)
    return found


def trace(headers: Mapping[str, str]) -> str:
    """Return the `x-request-id` of a call: its own, where that is fit for logs, or a new one."""
    given = headers.get("x-request-id", "")
    return given if _TRACE.fullmatch(given) else uuid.uuid4().hex


def credentials(
    headers: Mapping[str, str], peer: str, identity: str, proxies: Networks = _NOWHERE
) -> Credentials:
    """Return what a call shows of its sender: `authorization: Bearer KEY` or `x-api-key`, and the
    address, which `proxies` may tell in `x-forwarded-for`.
    """
    told = {name: headers.get(name.lower(), "") for name in _FORWARDED}
    remote = sender(address(peer), told, proxies)
    return Credentials(token=_token(headers), address=remote, trace=identity)


def _token(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if token and scheme.lower() == "bearer":
        return token.strip()
    return headers.get("x-api-key", "").strip()


def address(peer: str) -> str:
    """Return the host of a peer as gRPC writes it: `ipv4:127.0.0.1:5000`, `ipv6:%5B::1%5D:5000`."""
    match = _ADDRESS.fullmatch(unquote(peer))
    return match["host"] if match else peer


def plain(headers: Mapping[str, str]) -> Metadata:
    """Return headers as gRPC takes them: keys in lower case, values of printable ASCII."""
    return tuple((key.lower(), _UNWANTED.sub("?", value)) for key, value in headers.items())
