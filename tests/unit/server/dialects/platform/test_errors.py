from __future__ import annotations

import json
import re

import pytest

from llmd.errors import (
    BodyTooLarge,
    ContextOverflow,
    Draining,
    Forbidden,
    InvalidKey,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    NameTaken,
    NoRoom,
    NotFound,
    QueueFull,
    RateLimited,
    Unauthorized,
)
from llmd.server.dialects.platform import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (InvalidRequest, 40000),
        (ContextOverflow, 40002),
        (Unauthorized, 40100),
        (Forbidden, 40300),
        (NotFound, 40400),
        (ModelNotFound, 40401),
        (NameTaken, 40900),
        (BodyTooLarge, 41300),
        (RateLimited, 42900),
        (QueueFull, 42901),
        (LlmdError, 50000),
        (Draining, 50300),
        (NoRoom, 50700),
    ],
)
def test_codes_begin_with_the_status(kind: type[LlmdError], code: int) -> None:
    body = json.loads(errors.encode(kind("No.", hint="Do.")))
    assert body == {"code": code, "message": "No. Do.", "data": None}


def test_a_wrong_key_is_told_as_the_document_has_it() -> None:
    assert json.loads(errors.encode(InvalidKey("There is no such key."))) == {
        "code": 40001,
        "message": "Invalid API Key",
        "data": None,
    }
    assert InvalidKey("x").status == 401


def test_every_code_stands_in_the_table() -> None:
    listed = {int(code) for code in re.findall(r"\b[45]\d{4}\b", errors.__doc__ or "")}
    assert listed >= set(errors._CODES.values())
