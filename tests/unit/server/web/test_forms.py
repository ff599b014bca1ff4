from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

import msgspec
import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from llmd.errors import BodyTooLarge, InvalidRequest
from llmd.server.web.forms import posted, read_fields


class Wanted(msgspec.Struct, frozen=True):
    name: str = "none"
    count: int = 1
    sure: bool = False
    scopes: list[str] = []
    role: Literal["user", "admin"] = "user"
    limit: float | None = None


async def sent(body: bytes, kind: str = "application/x-www-form-urlencoded") -> web.Request:
    import asyncio
    from unittest.mock import Mock

    loop = asyncio.get_running_loop()
    stream = StreamReader(Mock(spec=BaseProtocol, _reading_paused=False), 2**16, loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    headers = {"Content-Type": kind, "Content-Length": str(len(body))}
    return make_mocked_request("POST", "/", headers=headers, payload=stream)


async def read(**fields: object) -> Wanted:
    return await read_fields(await sent(urlencode(fields, doseq=True).encode()), Wanted)


async def test_fields_become_what_the_struct_says() -> None:
    found = await read(name="a & b=c", count="7", sure="true", role="admin", limit="0.5")
    assert found == Wanted(name="a & b=c", count=7, sure=True, role="admin", limit=0.5)


async def test_a_field_that_comes_often_is_a_list_where_one_is_wanted() -> None:
    assert (await read(scopes=["a", "b"])).scopes == ["a", "b"]
    assert (await read(scopes="a")).scopes == ["a"]
    assert (await read(name=["first", "second"])).name == "first"


async def test_fields_left_empty_count_as_not_sent() -> None:
    assert await read(name="", count="", limit="", unknown="x") == Wanted()


@pytest.mark.parametrize(
    ("fields", "param"), [({"count": "many"}, "count"), ({"role": "owner"}, "role")]
)
async def test_what_is_wrong_is_named(fields: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        await read(**fields)
    assert error.value.param == param


async def test_chinese_and_odd_bytes_come_through() -> None:
    assert (await read(name="你好")).name == "你好"
    found = await read_fields(await sent(b"name=%ff%fe"), Wanted)
    assert isinstance(found.name, str)


async def test_a_form_that_is_too_large_is_not_taken_apart() -> None:
    request = await sent(b"name=" + b"x" * 300_000)
    with pytest.raises(BodyTooLarge):
        await posted(request)


async def test_a_form_of_unknown_length_is_no_browsers() -> None:
    request = make_mocked_request(
        "POST", "/", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    with pytest.raises(BodyTooLarge):
        await posted(request)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"]
)
async def test_other_bodies_have_no_fields(kind: str) -> None:
    assert dict(await posted(await sent(b"name=x", kind))) == {}
