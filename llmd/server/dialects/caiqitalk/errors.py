"""LlmdError as `detail`, one sentence, with the native error object beside it."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError


class Problem(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    """Such as `MODEL_NOT_FOUND`."""
    message: str
    details: str
    """What to do about it."""


class ErrorObject(msgspec.Struct, frozen=True):
    """The body of every error answer."""

    detail: str
    error: Problem


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer."""
    problem = Problem(error.code.upper(), error.message, error.hint)
    return msgspec.json.encode(ErrorObject(str(error), problem))
