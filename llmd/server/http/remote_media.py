"""Fetches pictures that requests name by URL, from hosts the owner has listed and no others.

What a client writes into a request must not make the daemon knock on doors inside its owner's
network: hosts are compared with the list, addresses are checked when the connection is made (a name
may resolve to another one by then), redirects stay on the host, and proxies of the environment are
left out.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from llmd.config.settings import MediaSettings
from llmd.errors import InvalidRequest

_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOUND = 200
_CHUNK = 1 << 16


async def fetch(places: Sequence[tuple[str, str]], settings: MediaSettings) -> list[bytes]:
    """Return what lies at the URLs of these (name for errors, URL) pairs; raise InvalidRequest."""
    if not places:
        return []
    targets = [_Target.parse(where, url, settings) for where, url in places]
    try:
        async with asyncio.timeout(
            settings.fetch_timeout if settings.fetch_timeout.limited else None
        ):
            return [await target.fetch(settings.max_bytes) for target in targets]
    except TimeoutError as error:
        raise InvalidRequest(
            f"The pictures could not be fetched within {settings.fetch_timeout}.",
            hint="Send them as data URLs, or raise media.fetch_timeout.",
            param=places[0][0],
        ) from error


class _Target:
    """One URL that may be fetched."""

    def __init__(self, where: str, url: URL, *, private: bool) -> None:
        self._where = where
        self._url = url
        self._private = private

    @classmethod
    def parse(cls, where: str, text: str, settings: MediaSettings) -> _Target:
        """Check a URL against the list; raise InvalidRequest."""
        try:
            url = URL(text)
            host, port = (url.host or "").lower(), url.port
        except ValueError as error:
            raise _refusal(where, f"no URL: {error}") from error
        allowed = {entry.strip().lower() for entry in settings.allowed_hosts.split(",")} - {""}
        listed_with_port = f"{host}:{port}" in allowed
        if url.scheme not in {"http", "https"} or url.user or url.password or not host:
            raise _refusal(where, "no plain http(s) URL")
        if not listed_with_port and not (host in allowed and url.is_default_port()):
            raise InvalidRequest(
                f"{where} names the host {host[:200]}, which pictures may not be fetched from.",
                hint="Send the picture as a data URL, or list the host in media.allowed_hosts.",
                param=where,
            )
        return cls(where, url, private=listed_with_port)

    async def fetch(self, most: int) -> bytes:
        """Return the body; raise InvalidRequest."""
        resolver = _Resolver(self._where, private=self._private)
        resolver.check(self._url.host or "")
        connector = aiohttp.TCPConnector(resolver=resolver, limit=1, force_close=True)
        try:
            async with aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                return await self._follow(session, most)
        except (aiohttp.ClientError, OSError) as error:
            raise _refusal(self._where, f"not reachable: {error!r}") from error

    async def _follow(self, session: aiohttp.ClientSession, most: int) -> bytes:
        url = self._url
        for _ in range(_MOST_REDIRECTS + 1):
            headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status == _FOUND:
                    return await self._body(response, most)
                if response.status not in _REDIRECTS:
                    raise _refusal(self._where, f"answered with status {response.status}")
                following = url.join(URL(response.headers.get("Location", "")))
            if (following.host, following.port) != (url.host, url.port):
                raise _refusal(self._where, "redirected to another host")
            url = following
        raise _refusal(self._where, "redirected too often")

    async def _body(self, response: aiohttp.ClientResponse, most: int) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > most:
                raise _refusal(self._where, f"larger than {most} bytes (media.max_bytes)")
        return bytes(body)


class _Resolver(AbstractResolver):
    """Names to addresses, without those of private networks unless they are wanted."""

    def __init__(self, where: str, *, private: bool) -> None:
        self._where = where
        self._private = private
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses that may be connected to; raise InvalidRequest when all are
        private, OSError when there is none.
        """
        found = await self._inner.resolve(host, port, family)
        usable = [result for result in found if self._private or _is_public(result["host"])]
        if found and not usable:
            raise self._refusal()
        return usable

    def check(self, host: str) -> None:
        """Refuse an address that stands in the URL itself, which is never resolved."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        if not (self._private or _is_public(host)):
            raise self._refusal()

    def _refusal(self) -> InvalidRequest:
        why = "at a private address; its host must be listed together with its port"
        return _refusal(self._where, why)

    async def close(self) -> None:
        """Nothing to free."""
        await self._inner.close()


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None)
    return bool((inner or found).is_global) and not found.is_multicast


def _refusal(where: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The picture of {where} is {why}.",
        hint="Send it as a data URL.",
        param=where,
    )
