"""LlmdError as OpenAI's error object, which other dialects show beside their own. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from llmd.errors import LlmdError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}

_SERVER_ERROR = 500


class Problem(msgspec.Struct, frozen=True):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    """The field of the request that is at fault."""
    code: str
    details: dict[str, Any] | UnsetType = UNSET
    """llmd's addition: figures such as needed and available tokens."""


def problem(error: LlmdError) -> Problem:
    """Return an error as OpenAI's clients know it."""
    kind = _TYPES.get(
        error.status, "invalid_request_error" if error.status < _SERVER_ERROR else "server_error"
    )
    return Problem(str(error), kind, error.param, error.code, error.details or UNSET)
