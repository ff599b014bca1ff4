"""LlmdError in the gateway's envelope, the HTTP status as its code."""

from __future__ import annotations

import msgspec
from structlog.contextvars import get_contextvars

from llmd.errors import LlmdError
from llmd.server.completions.problems import problem
from llmd.server.dialects.gateway import schema


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer; its request's id is the one that log lines carry."""
    body = schema.ErrorAnswer(
        code=error.status,
        message=str(error),
        request_id=str(get_contextvars().get("request", "")),
        error=problem(error),
    )
    return msgspec.json.encode(body)
