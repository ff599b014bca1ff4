"""LlmdError as OpenAI's error object."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError
from llmd.server.completions.problems import Problem, problem


class ErrorObject(msgspec.Struct, frozen=True):
    """The body of every error answer."""

    error: Problem


def to_object(error: LlmdError) -> ErrorObject:
    """Return the body of an error answer."""
    return ErrorObject(problem(error))


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer as JSON."""
    return msgspec.json.encode(to_object(error))
