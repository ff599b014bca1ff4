"""LlmdError as it is: the command line rebuilds the same exception."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer."""
    return msgspec.json.encode({"error": error.to_wire()})
