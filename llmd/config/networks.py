"""IP addresses and networks, such as `"127.0.0.1, 10.0.0.0/8, fd00::/8"`."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Self

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_loopback(host: str) -> bool:
    """Whether what listens on this host is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Networks(str):
    """Where somebody is expected; empty: nowhere."""

    ALLOWED = 'addresses or networks such as "127.0.0.1, 10.0.0.0/8", with commas between'
    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a text; raise ValueError on anything else."""
        text = value.strip() if isinstance(value, str) else "?"
        try:
            _networks(text)
        except ValueError as error:
            raise ValueError(f"expected {cls.ALLOWED}") from error
        return cls(text)

    def contain(self, address: str) -> bool:
        """Whether an address is in one of them; what is no address is in none."""
        if not self:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in _networks(str(self)))


@lru_cache(maxsize=16)
def _networks(text: str) -> tuple[_Network, ...]:
    parts = (part.strip() for part in text.split(","))
    return tuple(ipaddress.ip_network(part, strict=False) for part in parts if part)
