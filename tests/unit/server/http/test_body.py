from __future__ import annotations

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from llmd.errors import InvalidRequest
from llmd.server.http.body import decode_json, read_query


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


@pytest.mark.parametrize("text", [b"caf\xe9", "你好".encode("gbk"), b"\xe4\xbd"])
def test_text_in_another_encoding_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        decode_json(b'{"name": "' + text + b'"}', Outer)


def test_unknown_fields_are_tolerated() -> None:
    assert decode_json(b'{"name": "x", "color": "red"}', Outer) == Outer("x")


def test_a_body_nested_too_deep_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nested too deep"):
        decode_json(b"[" * 100_000, object)


class Page(msgspec.Struct):
    limit: int = 100
    active: bool = True
    title: str | None = None


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", Page()),
        ("limit=5&active=false", Page(5, active=False)),
        ("title=null", Page(title="null")),
        ("title=%E4%BD%A0%00", Page(title="你\0")),
        ("limit=5&limit=6", Page(5)),
        ("color=red", Page()),
    ],
)
def test_the_query_is_read_as_its_struct_says(query: str, page: Page) -> None:
    assert read_query(make_mocked_request("GET", f"/?{query}"), Page) == page


@pytest.mark.parametrize(
    ("query", "param"), [("limit=many", "limit"), ("limit=", "limit"), ("active=maybe", "active")]
)
def test_the_offending_parameter_is_named(query: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_query(make_mocked_request("GET", f"/?{query}"), Page)
    assert caught.value.param == param
