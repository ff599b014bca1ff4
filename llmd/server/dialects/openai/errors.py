"""LlmdError as OpenAI's error object."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}

_SERVER_ERROR = 500


def to_object(error: LlmdError) -> dict[str, object]:
    """Return `{"error": {...}}`; `details` is llmd's addition and carries figures such as needed
    and available tokens.
    """
    kind = _TYPES.get(
        error.status, "invalid_request_error" if error.status < _SERVER_ERROR else "server_error"
    )
    body: dict[str, object] = {
        "message": str(error),
        "type": kind,
        "param": error.param,
        "code": error.code,
    }
    if error.details:
        body["details"] = error.details
    return {"error": body}


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer."""
    return msgspec.json.encode(to_object(error))
