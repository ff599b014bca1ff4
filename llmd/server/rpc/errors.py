"""LlmdError as a gRPC status, with what a program may want to know in the trailing metadata. Pure.

HTTP/2 peers accept a few KiB of headers, so what is told is cut to fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc
import msgspec

from llmd.errors import LlmdError, RateLimited
from llmd.server.rpc.metadata import Metadata, plain
from llmd.services.limits import standing

_BY_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    405: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    410: grpc.StatusCode.CANCELLED,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    422: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_BY_CODE = {
    "name_taken": grpc.StatusCode.ALREADY_EXISTS,
    "model_not_loaded": grpc.StatusCode.FAILED_PRECONDITION,
    "no_model": grpc.StatusCode.FAILED_PRECONDITION,
}
_LONGEST_MESSAGE = 1000
_MOST_DETAILS = 2000


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a call fails."""

    status: grpc.StatusCode
    message: str
    trailing: Metadata


def status(error: LlmdError) -> grpc.StatusCode:
    """Return the status that clients act upon."""
    return _BY_CODE.get(error.code) or _BY_STATUS.get(error.status, grpc.StatusCode.INTERNAL)


def refusal(error: LlmdError) -> Refusal:
    """Return what is said of an error. `grpc-retry-pushback-ms` is what retry policies of gRPC
    clients heed.
    """
    trailing: list[tuple[str, str | bytes]] = [
        ("llmd-error-code", error.code),
        ("llmd-error-bin", _details(error)),
    ]
    if error.retry_after is not None:
        trailing.append(("retry-after", str(error.retry_after)))
        trailing.append(("grpc-retry-pushback-ms", str(error.retry_after * 1000)))
    if isinstance(error, RateLimited) and (how := standing(error)):
        trailing.extend(plain(how.headers()))
    return Refusal(status(error), _cut(str(error)), tuple(trailing))


def unread(seconds: float | None) -> Refusal:
    """Return what a client is told that took nothing of its answer for so long."""
    message = (
        f"Nothing of the answer was taken for {seconds or 0:.0f} s, so it was given up. Read on "
        "while it comes; server.write_timeout says how long llmd waits."
    )
    return Refusal(grpc.StatusCode.ABORTED, message, ())


def _details(error: LlmdError) -> bytes:
    """Return the error as JSON; its figures are left out where they would not fit."""
    wire = error.to_wire()
    wire |= {"message": _cut(error.message), "hint": _cut(error.hint)}
    whole = msgspec.json.encode(wire)
    if len(whole) <= _MOST_DETAILS:
        return whole
    return msgspec.json.encode({"code": error.code, "message": _cut(error.message, 300)})


def _cut(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    """Return a text of so many bytes at most: other scripts than Latin take three each, and more
    when gRPC writes them into a header.
    """
    data = text.encode("utf-8", "replace")
    return data[:longest].decode("utf-8", "ignore") + "…" * (len(data) > longest)
