from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import FormData

from llmd.config.settings import MediaSettings
from llmd.config.values import Size
from llmd.services.defaults import Purpose
from tests.fakes.media_files import picture
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench

ASK = {"messages": [{"role": "user", "content": "你 好"}]}
VISION = "/api/v1/vision/completions"


def form(**fields: bytes | str) -> FormData:
    data = FormData(default_to_multipart=True)
    for name, value in fields.items():
        data.add_field(name, value, filename="a.png" if isinstance(value, bytes) else None)
    return data


@pytest.fixture
def seeing(bench: Bench, vision_files: Callable[[str], tuple[Path, Path]]) -> str:
    return bench.store.register(vision_files("tiled")[0], "gpt-4-vision-preview").name


async def test_a_conversation_is_answered_in_openais_shape(connect: Connect) -> None:
    client = await connect(tcp=True)
    body = await (await client.post("/api/v1/chat/completions", json=ASK)).json()
    assert (body["object"], body["choices"][0]["message"]["content"]) == (
        "chat.completion",
        "你好",
    )


async def test_a_conversation_is_streamed(connect: Connect) -> None:
    client = await connect(tcp=True)
    response = await client.post("/api/v1/chat/completions", json={**ASK, "stream": True})
    data = (await response.read()).decode()
    events = [event[6:] for event in data.split("\n\n") if event.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"] for event in events[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == "你好"


async def test_a_model_that_is_not_there_is_a_404(
    connect: Connect,
) -> None:
    client = await connect(tcp=True)
    path = "/api/v1/chat/completions"
    response = await client.post(path, json={**ASK, "model": "x"})
    assert response.status == 404
    assert set(await response.json()) == {"detail", "error"}


@pytest.mark.parametrize("name", [None, "", "default"])
async def test_without_a_default_model_there_is_no_service(
    bench: Bench, connect: Connect, name: str | None
) -> None:
    client = await connect(tcp=True)
    bench.services.defaults._names[Purpose.CHAT] = "gone"
    response = await client.post("/api/v1/chat/completions", json={**ASK, "model": name})
    assert response.status == 503
    assert (await response.json())["error"]["code"] == "NO_MODEL"


@pytest.mark.parametrize("fields", [{}, {"model": ""}, {"model": "default"}])
async def test_without_a_model_that_sees_there_is_no_vision(
    connect: Connect, fields: dict[str, Any]
) -> None:
    client = await connect(tcp=True)
    response = await client.post(VISION, data=form(image=picture(1), **fields))
    assert response.status == 503
    assert (await response.json())["detail"].startswith("There is no model that sees.")


@pytest.mark.parametrize("fields", [{}, {"model": "gpt-4-vision-preview"}])
async def test_a_picture_is_shown_to_a_model_that_sees(
    bench: Bench, connect: Connect, seeing: str, fields: dict[str, str]
) -> None:
    client = await connect(tcp=True)
    response = await client.post(
        VISION, data=form(image=picture(1), **fields), headers={"Accept-Language": "en"}
    )
    # the fake repeats the question instead of answering it
    assert response.status == 400
    assert (await response.json())["error"]["code"] == "CONTEXT_LENGTH_EXCEEDED"
    assert bench.starts.workers[0].name == seeing
    prompt = bench.starts.workers[0].served[0]
    assert "Write in English." in prompt


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"model": "llmd-tiny", "image": b"x"}, 400, "takes no pictures"),
        ({"model": "nobody", "image": b"x"}, 404, "nobody"),
        ({"model": "llmd-tiny"}, 400, "has no image"),
        ({"image": b""}, 400, "image is empty"),
        ({"image": b"x" * 1001}, 413, "image has more than 1000 bytes"),
        ({"image": b"x", "angle": "3"}, 400, "'angle'"),
    ],
)
async def test_forms_that_cannot_be_answered_are_refused(
    bench: Bench, connect: Connect, seeing: str, fields: dict[str, Any], status: int, said: str
) -> None:
    small = MediaSettings(max_bytes=Size(1000))
    msgspec.structs.force_setattr(bench.services, "media", small)
    client = await connect(tcp=True)
    response = await client.post(VISION, data=form(**fields))
    body = await response.json()
    assert response.status == status
    assert said in body["detail"]
    assert body["error"]["message"] in body["detail"]
