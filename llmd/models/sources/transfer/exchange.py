"""One GET at a time over connections that are kept: redirects, proxies, time limits.

On http.client, whose buffers can be bypassed: bytes go from the socket into the caller's memory,
which takes half the CPU time of a client that hands out `bytes`. Compression is refused, since
ranges, lengths and digests mean the file itself. HTTP_PROXY, HTTPS_PROXY, NO_PROXY and
SSL_CERT_FILE work as they do elsewhere.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import select
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import Protocol
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from llmd import __version__
from llmd.errors import DownloadFailed
from llmd.models.sources.transfer.faults import Cut, Refused

_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ERRORS_FROM = 400
_SHOWN_BODY = 64 * 1024
_CHUNK = 64 * 1024
_PORTS = {"http": 80, "https": 443}
# everything that may stand in an address, so that what is quoted already stays as it is
_KEPT = "%/:=&?~#+!$,;'@()*[]"

Origin = tuple[str, str, int]
"""Scheme, host, port."""


class Answer:
    """The head of an answer, and its body as it comes."""

    def __init__(
        self, response: http.client.HTTPResponse, url: str, connected: socket.socket
    ) -> None:
        self._response = response
        self._socket = connected
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)
        self.status = response.status
        self.url = url
        """Where redirects led."""
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.length = None if response.chunked else response.length
        """Bytes of the body; None: it ends when it ends."""
        self._left = self.length

    @property
    def finished(self) -> bool:
        """Whether all of the body came."""
        return self._left == 0

    def ready(self, seconds: float) -> bool:
        """Wait so long for more to come, at most; return whether it did."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(self._poll.poll(max(seconds, 0.0) * 1000))

    def read_into(self, view: memoryview) -> int:
        """Read what is there, waiting for the first byte; return 0 at the end; raise Cut."""
        try:
            got = self._read(view)
        except (OSError, http.client.HTTPException) as error:
            raise Cut(_words(error)) from error
        if not got and self._left:
            raise Cut(f"the answer ended {self._left} bytes early")
        if self._left is not None:
            self._left -= got
        return got

    def _read(self, view: memoryview) -> int:
        if self._left is not None:
            return self._response.fp.readinto1(view[: self._left]) if self._left else 0
        data = self._response.read1(min(len(view), _CHUNK))
        view[: len(data)] = data
        return len(data)

    def body(self, limit: int) -> bytes:
        """Return the body up to a limit; raise Cut."""
        whole = bytearray()
        buffer = memoryview(bytearray(_CHUNK))
        while len(whole) < limit and (got := self.read_into(buffer)):
            whole += buffer[:got]
        return bytes(whole[:limit])

    def close(self) -> None:
        """Let go of the answer."""
        self._response.close()


class Exchange:
    """Connections of one thread; a second `get` ends the answer of the first."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None
        self._origin: Origin | None = None
        self._answer: Answer | None = None
        self._socket: socket.socket | None = None

    def get(
        self, url: str, headers: Mapping[str, str], extra: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask, following redirects; `headers` go to the first host alone, `extra` to all.

        Raises Cut, Refused for an error status, DownloadFailed for what no second attempt mends.
        """
        first = _origin(urlsplit(url))
        seen: set[str] = set()
        own: Mapping[str, str] = headers
        while True:
            seen.add(url)
            parts = urlsplit(url)
            if _origin(parts) != first:
                own = {}  # for good, also when a later redirect leads back
            answer = self._ask(parts, {**own, **(extra or {})})
            target = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not target:
                return self._judged(answer)
            following = _followed(url, target)
            if following in seen or len(seen) > _MOST_REDIRECTS:
                raise DownloadFailed(
                    f"{parts.hostname} redirects in a circle.",
                    hint="The address leads nowhere; look for another source.",
                )
            url = following

    def close(self) -> None:
        """Close the connection, and with it the answer that came over it."""
        connection, self._connection, self._origin = self._connection, None, None
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """End what another thread is waiting for here."""
        held = self._socket
        if held is not None:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def _judged(self, answer: Answer) -> Answer:
        if answer.status >= _ERRORS_FROM:
            try:
                body = answer.body(_SHOWN_BODY)
            except Cut:
                body = b""
            self.close()
            raise Refused(answer.status, answer.url, answer.headers, body)
        if answer.headers.get("content-encoding", "identity").lower() not in {"identity", ""}:
            self.close()
            raise DownloadFailed(
                f"{urlsplit(answer.url).hostname} sends the file compressed though it was asked "
                "not to.",
                hint="Such a file can be neither resumed nor checked; take another source.",
            )
        return answer

    def _ask(self, parts: SplitResult, headers: Mapping[str, str]) -> Answer:
        reused = self._prepare(parts)
        try:
            return self._send(parts, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(error, http.client.InvalidURL):
                raise DownloadFailed(f"{parts.geturl()} is no web address: {error}.") from error
            if isinstance(error, ssl.SSLCertVerificationError):
                raise DownloadFailed(
                    f"The certificate of {parts.hostname} is not trusted: {error.verify_message}.",
                    hint="SSL_CERT_FILE names further certificates to trust.",
                ) from error
            if not reused:
                raise Cut(_words(error)) from error
        # a kept connection may have been closed by the server meanwhile: once more on a new one
        return self._ask(parts, headers)

    def _prepare(self, parts: SplitResult) -> bool:
        """Have a connection to where an address lies; return whether it is an earlier one."""
        if self._answer is not None and not self._answer.finished:
            self.close()
        elif self._answer is not None:
            self._answer.close()
        self._answer = None
        origin = _origin(parts)
        if self._connection is not None and self._origin == origin:
            return True
        self.close()
        self._connection, self._origin = _connection(origin, self._timeout), origin
        return False

    def _send(self, parts: SplitResult, headers: Mapping[str, str]) -> Answer:
        connection = self._connection
        if connection is None:
            raise Cut("the connection was closed")
        sent = {
            "user-agent": f"llmd/{__version__}",
            "accept": "*/*",
            **{name.lower(): value for name, value in headers.items()},
            "accept-encoding": "identity",
        }
        target, through = _target(parts)
        if connection.sock is None:
            connection.connect()
        connected = self._socket = connection.sock
        connection.request("GET", target, headers={**sent, **through})
        self._answer = Answer(connection.getresponse(), parts.geturl(), connected)
        return self._answer


class _Opener(Protocol):
    def __call__(self, host: str, port: int, *, timeout: float) -> http.client.HTTPConnection: ...


def _connection(origin: Origin, timeout: float) -> http.client.HTTPConnection:
    scheme, host, port = origin
    proxy = _proxy(scheme, host)
    opener: _Opener = http.client.HTTPConnection if scheme == "http" else _secure
    if proxy is None:
        return opener(host, port, timeout=timeout)
    connection = opener(proxy.hostname or "", proxy.port or _PORTS["http"], timeout=timeout)
    if scheme == "https":
        connection.set_tunnel(host, port, _credentials(proxy))
    return connection


def _secure(host: str, port: int, *, timeout: float) -> http.client.HTTPConnection:
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=_trust())


@cache
def _trust() -> ssl.SSLContext:
    import httpx2  # noqa: PLC0415  takes a tenth of a second, and plain http needs none of it

    # with the certificates of the system, on macOS too
    return httpx2.create_ssl_context()


def _target(parts: SplitResult) -> tuple[str, dict[str, str]]:
    """Return what the request line names, and the headers that a proxy needs."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proxy = _proxy(parts.scheme, parts.hostname or "")
    if proxy is None or parts.scheme == "https":
        return path, {}
    return f"http://{parts.netloc}{path}", _credentials(proxy)


def _proxy(scheme: str, host: str) -> SplitResult | None:
    named = urllib.request.getproxies()
    address = named.get(scheme) or named.get("all")
    if not address or urllib.request.proxy_bypass(host):
        return None
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    if proxy.scheme != "http":
        raise DownloadFailed(
            f"A proxy of the kind {proxy.scheme} is not supported.",
            hint="Set HTTPS_PROXY to an http:// proxy where the daemon runs.",
        )
    return proxy


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _origin(parts: SplitResult) -> Origin:
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise DownloadFailed(f"{parts.geturl()[:200]} is no web address.") from None
    return parts.scheme, parts.hostname or "", port


def _followed(url: str, target: str) -> str:
    try:
        following = urljoin(url, quote(target, safe=_KEPT)).partition("#")[0]
        urlsplit(following)
    except ValueError:
        raise DownloadFailed(f"{urlsplit(url).hostname} redirects to no web address.") from None
    if url.startswith("https:") and not following.startswith("https:"):
        raise DownloadFailed(
            f"{urlsplit(url).hostname} redirects to an address without encryption.",
            hint="That is not followed; name the other address yourself if you trust it.",
        )
    return following


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came for too long"
    return str(error) or type(error).__name__
