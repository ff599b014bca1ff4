"""LlmdError as the native error object: upper-case code, message, details."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError


class Problem(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    """Such as `MODEL_NOT_LOADED`."""
    message: str
    details: str
    """What to do about it."""


class ErrorObject(msgspec.Struct, frozen=True):
    """The body of every error answer."""

    error: Problem


def problem(error: LlmdError) -> Problem:
    """Return what stands under `error`, in whole answers, streams and batches alike."""
    return Problem(error.code.upper(), error.message, error.hint)


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer."""
    return msgspec.json.encode(ErrorObject(problem(error)))
