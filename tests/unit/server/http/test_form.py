from __future__ import annotations

import msgspec
import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from llmd.errors import InvalidRequest
from llmd.server.http.boundary import SlowBody
from llmd.server.http.form import read_form


class Sent(msgspec.Struct):
    image: bytes
    model: str | None = None


async def answer(request: web.Request) -> web.Response:
    try:
        form = await read_form(request, Sent, 100_000)
    except InvalidRequest as error:
        return web.json_response([error.status, error.message, error.param])
    return web.json_response([len(form.image), form.model])


async def send(data: object, **headers: str) -> list[object]:
    application = web.Application()
    application.router.add_post("/", answer)
    async with TestClient(TestServer(application)) as client:
        response = await client.post("/", data=data, headers=headers)
        return list(await response.json())


def form(*fields: tuple[str, bytes | str]) -> FormData:
    data = FormData(default_to_multipart=True)
    for name, value in fields:
        data.add_field(name, value, filename="f" if isinstance(value, bytes) else None)
    return data


def written(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}


async def test_files_and_texts_become_fields() -> None:
    assert await send(form(("model", "猫"), ("image", bytes(100_000)))) == [100_000, "猫"]


async def test_what_has_a_default_may_be_left_out() -> None:
    assert await send(form(("image", b"\r\n--"))) == [4, None]


@pytest.mark.parametrize(
    ("fields", "status", "message", "param"),
    [
        ([("image", bytes(100_001))], 413, "image has more than 100000 bytes", "image"),
        ([("image", b"1"), ("model", "m" * 70_000)], 413, "model has more than 65536", "model"),
        ([("model", "m")], 400, "The form has no image", "image"),
        ([("image", b"1"), ("image", b"2")], 400, "has image twice", "image"),
        ([("image", b"1"), ("wings", "2")], 400, "has a part 'wings'", "wings"),
    ],
)
async def test_what_is_wrong_is_told_by_name(
    fields: list[tuple[str, bytes | str]], status: int, message: str, param: str
) -> None:
    said = await send(form(*fields))
    assert said[0] == status
    assert message in str(said[1])
    assert said[2] == param


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"{}", {"Content-Type": "application/json"}, "takes multipart/form-data, not"),
        (b"a", {"Content-Type": "multipart/form-data"}, "no valid form: boundary"),
        (b"", BOUNDARY, "no valid form"),
        (b"nothing of the kind", BOUNDARY, "no valid form"),
        (
            written('--x\nContent-Disposition: form-data; name="image"\n\nabc'),
            BOUNDARY,
            "no valid form",
        ),
        (
            written('--x\nContent-Disposition: form-data; name="model"\n\n') + b"\xff\r\n--x--\r\n",
            BOUNDARY,
            "no valid form",
        ),
        (
            written("--x\nContent-Disposition: form-data\n\nabc\n--x--\n"),
            BOUNDARY,
            "has a part ''",
        ),
        (
            written(
                '--x\nContent-Disposition: form-data; name="image"\n'
                "Content-Transfer-Encoding: base64\n\nYWJj\n--x--\n"
            ),
            BOUNDARY,
            "image is encoded as base64",
        ),
        (
            written("--x\nContent-Type: multipart/mixed; boundary=y\n\n--y--\n--x--\n"),
            BOUNDARY,
            "not nested",
        ),
    ],
)
async def test_what_is_no_form_is_refused(
    body: bytes, headers: dict[str, str], message: str
) -> None:
    said = await send(body, **headers)
    assert said[0] == 400
    assert message in str(said[1])


async def test_a_form_that_comes_too_slowly_is_no_wrong_one() -> None:
    seen: list[type[BaseException]] = []

    async def slow(request: web.Request) -> web.Response:
        request.content.set_exception(SlowBody())
        try:
            await read_form(request, Sent, 100)
        except SlowBody as error:
            seen.append(type(error))
        return web.Response()

    application = web.Application()
    application.router.add_post("/", slow)
    async with TestClient(TestServer(application)) as client:
        await client.post("/", data=form(("image", b"1")))
    assert seen == [SlowBody]


async def test_a_form_over_the_limit_of_all_bodies_is_not_even_read() -> None:
    async def refused(request: web.Request) -> web.Response:
        with pytest.raises(web.HTTPRequestEntityTooLarge):
            await read_form(request, Sent, 100)
        return web.Response(text="so")

    application = web.Application(client_max_size=50)
    application.router.add_post("/", refused)
    async with TestClient(TestServer(application)) as client:
        assert await (await client.post("/", data=form(("image", b"1")))).text() == "so"
