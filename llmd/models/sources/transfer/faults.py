"""How a request can fail, inside the transfer: `Cut` and some of `Refused` pass, `Changed` means to
begin again. Whoever uses a transfer sees LlmdErrors and, from `ask`, `Refused`.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound, NoRoom

KEPT = "What has come is kept; run the same command again to go on from there."
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({401, 403})
_GONE = frozenset({404, 410})
TOO_MANY = 429


class Cut(Exception):
    """The server was not reached, or the connection ended or stalled before the answer did."""


class Refused(Exception):
    """The server answered with an error status."""

    def __init__(self, status: int, url: str, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.url = url
        self.headers = headers
        """Names in lower case."""
        self.body = body
        """Its beginning."""

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in _PASSING


class Changed(Exception):
    """The server has another version of the file than the one that was begun."""

    def __init__(self, size: int, etag: str) -> None:
        super().__init__(f"{size} bytes, {etag}")
        self.size = size
        self.etag = etag


def explained(fault: Cut | Refused, name: str) -> LlmdError:
    """Return the error for a fault that did not pass while fetching `name`."""
    if isinstance(fault, Cut):
        return DownloadFailed(f"No connection for {name}: {fault}.", hint=KEPT)
    if fault.status in _DENIED:
        return AccessDenied(
            f"The server refuses access to {name} (HTTP {fault.status}).",
            hint="It wants a token, or the address is no longer valid.",
            status=fault.status,
        )
    if fault.status in _GONE:
        return ModelNotFound(
            f"The server has no {name} (HTTP {fault.status}).",
            hint="Check the spelling.",
            param="name",
            status=fault.status,
        )
    if fault.status == TOO_MANY:
        return DownloadFailed(
            "The server says there were too many requests.",
            hint=f"{_asked(fault)} {KEPT}",
            status=fault.status,
        )
    return DownloadFailed(
        f"The server answered HTTP {fault.status} for {name}.", hint=KEPT, status=fault.status
    )


def _asked(fault: Refused) -> str:
    wish = fault.headers.get("retry-after", "")
    return f"It asks to wait {wish} seconds." if wish.isdecimal() else "Wait some minutes."


def disk_fault(error: OSError, path: str) -> LlmdError:
    """Return the error for a file that could not be written."""
    if error.errno in _NO_ROOM:
        return NoRoom(
            f"The disk is full: {path} could not grow ({error.strerror}).",
            hint=f"Free some space. {KEPT}",
        )
    return DownloadFailed(
        f"{path} could not be written: {error.strerror or error}.",
        hint=f"Check that the folder may be written. {KEPT}",
    )
