from __future__ import annotations

import json

from llmd.errors import LlmdError, NotFound
from llmd.server.dialects.stellarbyte import errors


def test_errors_say_it_twice() -> None:
    body = json.loads(errors.encode(NotFound("Gone.", hint="Look.", param="session_id")))
    assert body == {
        "detail": "Gone. Look.",
        "error": {
            "message": "Gone. Look.",
            "type": "not_found_error",
            "param": "session_id",
            "code": "not_found",
        },
    }


def test_errors_of_the_socket_are_events() -> None:
    assert json.loads(errors.encode_event(LlmdError("处理消息时出错"))) == {
        "event": "error",
        "data": {"type": "server_error", "message": "处理消息时出错"},
    }
