from __future__ import annotations

import json

from llmd.errors import ContextOverflow, LlmdError, ModelNotFound, QueueFull
from llmd.server.dialects.openai import errors


def body(error: LlmdError) -> dict[str, object]:
    return json.loads(errors.encode(error))["error"]  # type: ignore[no-any-return]


def test_an_error_is_openais_object_with_our_figures() -> None:
    error = ContextOverflow(
        "Too long.", hint="Shorten it.", param="messages", needed=9, available=5
    )
    assert body(error) == {
        "message": "Too long. Shorten it.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
        "details": {"needed": 9, "available": 5},
    }


def test_types_follow_the_status() -> None:
    assert body(ModelNotFound("x"))["type"] == "not_found_error"
    assert body(QueueFull("x"))["type"] == "rate_limit_error"
    assert body(LlmdError("x"))["type"] == "server_error"
