from __future__ import annotations

import msgspec
import pytest

from llmd.config.settings import Mismatch
from llmd.errors import InvalidRequest
from llmd.server.completions import schema
from llmd.server.completions.convert import wishes


def chat(**fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": "x"}], **fields}
    return msgspec.json.decode(msgspec.json.encode(body), type=schema.ChatRequest)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"keep_alive": "5m"}, 300),
        ({"keep_alive": 0}, 0),
        ({"keep_alive": -1}, -1),
        ({"keep_alive": "-1"}, -1),
        ({"keep_alive": "-1m"}, -1),
        ({"keep_alive": "1.5h"}, 5400),
        ({"ttl": 30}, 30),
        ({"ttl": 30, "keep_alive": "10s"}, 10),
    ],
)
def test_how_long_the_model_stays_is_said_in_every_usual_way(
    fields: dict[str, object], seconds: float | None
) -> None:
    assert wishes.wish(chat(**fields)).keep_alive == seconds


def test_a_time_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        wishes.wish(chat(keep_alive="soon"))
    assert caught.value.param == "keep_alive"


@pytest.mark.parametrize(
    "fields", [{"context_length": 4096}, {"num_ctx": 4096}, {"options": {"num_ctx": 4096}}]
)
def test_the_context_has_several_names(fields: dict[str, object]) -> None:
    assert wishes.wish(chat(**fields)).context_length == 4096


def test_what_would_need_a_reload_is_a_header() -> None:
    assert wishes.headers([]) == {}
    assert wishes.headers(["context_length", "kv_type"]) == {
        "X-LLMD-Would-Reload": "context_length, kv_type"
    }


def test_a_request_may_say_what_is_to_happen() -> None:
    assert wishes.mismatch(chat()) is None
    assert wishes.mismatch(chat(mismatch="refuse")) is Mismatch.REFUSE
