"""LlmdError as the native error object: upper-case code, message, details."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer."""
    body = {"code": error.code.upper(), "message": error.message, "details": error.hint}
    return msgspec.json.encode({"error": body})
