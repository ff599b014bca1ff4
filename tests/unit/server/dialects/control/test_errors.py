from __future__ import annotations

import json

from llmd.errors import ContextOverflow, from_wire
from llmd.server.dialects.control.errors import encode


def test_the_command_line_gets_the_same_exception_back() -> None:
    error = from_wire(
        json.loads(encode(ContextOverflow("Too long.", hint="Cut.", param="p", needed=2)))["error"]
    )
    assert isinstance(error, ContextOverflow)
    assert (error.message, error.hint, error.param, error.details) == (
        "Too long.",
        "Cut.",
        "p",
        {"needed": 2},
    )
