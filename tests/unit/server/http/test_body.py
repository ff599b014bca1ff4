from __future__ import annotations

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.server.http.body import decode_json


class Inner(msgspec.Struct):
    size: int


class Outer(msgspec.Struct):
    name: str
    items: list[Inner] = []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"name": 3}', "name"),
        (b"{}", "name"),
        (b"", "name"),
        (b'{"name": "x", "items": [{"size": 1}, {"size": "y"}]}', "items[1].size"),
        (b'{"name": "x", "items": [{}]}', "items[0].size"),
        (b"[1]", None),
        (b"{nonsense", None),
        (b"\xff\xfe", None),
    ],
)
def test_the_offending_field_is_named(body: bytes, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_json(body, Outer)
    assert caught.value.param == param


def test_unknown_fields_are_tolerated() -> None:
    assert decode_json(b'{"name": "x", "color": "red"}', Outer) == Outer("x")


def test_a_body_nested_too_deep_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nested too deep"):
        decode_json(b"[" * 100_000, object)
