from __future__ import annotations

import json

from structlog.contextvars import bound_contextvars

from llmd.errors import ModelNotFound, RateLimited
from llmd.server.dialects.gateway.errors import encode


def test_an_error_is_in_the_envelope_of_every_answer() -> None:
    with bound_contextvars(request="r-1"):
        body = json.loads(encode(ModelNotFound("No such model.", hint="Pull it.", param="model")))
    assert body == {
        "code": 404,
        "message": "No such model. Pull it.",
        "data": None,
        "request_id": "r-1",
        "error": {
            "message": "No such model. Pull it.",
            "type": "not_found_error",
            "param": "model",
            "code": "model_not_found",
        },
    }


def test_the_code_is_the_http_status() -> None:
    assert json.loads(encode(RateLimited("Slow down.")))["code"] == 429
