"""LlmdError as `detail`, with OpenAI's error object beside it; on the WebSocket as an event."""

from __future__ import annotations

import msgspec

from llmd.errors import LlmdError
from llmd.server.completions.problems import Problem, problem
from llmd.server.dialects.stellarbyte import schema


class ErrorObject(msgspec.Struct, frozen=True):
    """The body of every error answer."""

    detail: str
    error: Problem


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer."""
    return msgspec.json.encode(ErrorObject(str(error), problem(error)))


def encode_event(error: LlmdError) -> bytes:
    """Return the event that tells of an error."""
    found = problem(error)
    return msgspec.json.encode(schema.Failed(schema.Failure(found.type, found.message)))
