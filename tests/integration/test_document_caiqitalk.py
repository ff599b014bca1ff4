"""Every request of caiqitalk.md, replayed against a real daemon; its curl commands run as they are
written there (tests/data/documents), but for the port and the path of the picture.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.media_files import picture
from tests.integration.conftest import Daemon, MakeDaemon

DOCUMENT = Path(__file__).parents[1] / "data" / "documents"
CHAT, VISION = "/api/v1/chat/completions", "/api/v1/vision/completions"
MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "你好"},
]
ANSWER = "这是一个Python快速排序的实现😀"
VisionFiles = Callable[[str], tuple[Path, Path]]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, vision_files: VisionFiles) -> Iterator[Daemon]:
    """A daemon with the models of the document."""
    daemon = Daemon(
        tmp_path_factory.mktemp("home"),
        LLMD_MODELS_DEFAULT="llmd-tiny",
        LLMD_MEDIA_MAX_BYTES="200000",
    ).start()
    body = {"path": str(vision_files("tiled")[0]), "name": "gpt-4-vision-preview"}
    assert daemon.call("POST", "/control/models/import", body)["vision"]
    copy = {"source": "llmd-tiny", "target": "gpt-3.5-turbo"}
    assert daemon.call("POST", "/control/models/copy", copy)
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(daemon.address) as client:
        yield client


def form(**fields: bytes | str) -> aiohttp.FormData:
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            data.add_field(name, io.BytesIO(value), filename="a.jpg")
        else:
            data.add_field(name, value)
    return data


def events(text: str) -> list[Any]:
    """Return what a stream says, up to the `[DONE]` it ends with."""
    assert text.endswith("data: [DONE]\n\n")
    return [
        json.loads(line[6:])
        for line in text.split("\n\n")
        if line.startswith("data: ") and line != "data: [DONE]"
    ]


@pytest.mark.parametrize("model", [{}, {"model": "gpt-3.5-turbo"}])
async def test_a_conversation_is_answered_whole(
    client: aiohttp.ClientSession, model: dict[str, str]
) -> None:
    body = {"messages": MESSAGES, "choice": [ANSWER], **model}
    async with client.post(CHAT, json=body) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        found = await response.json()
    assert found["id"].startswith("chatcmpl-")
    assert found["object"] == "chat.completion"
    assert found["created"] > 1_234_567_890
    assert found["model"] == model.get("model", "llmd-tiny")
    choice = found["choices"][0]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    message = choice["message"]
    assert (message["role"], message["content"]) == ("assistant", ANSWER)


async def test_a_conversation_is_streamed(client: aiohttp.ClientSession) -> None:
    body = {"messages": MESSAGES, "choice": [ANSWER], "stream": True}
    async with client.post(CHAT, json=body) as response:
        assert response.content_type == "text/event-stream"
        found = events(await response.text())
    deltas = [event["choices"][0]["delta"] for event in found]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == ANSWER
    assert found[-1]["choices"][0]["finish_reason"] == "stop"
    assert len(deltas) > 3


@pytest.mark.parametrize("model", [{}, {"model": "gpt-4-vision-preview"}])
async def test_the_objects_in_a_picture_always_parse(
    client: aiohttp.ClientSession, model: dict[str, str]
) -> None:
    for seed in range(3):
        data = form(image=picture(seed, form="JPEG"), **model)
        async with client.post(VISION, data=data) as response:
            assert response.status == 200
            found = await response.json()
        assert set(found) == {"recognition_id", "objects"}
        assert found["recognition_id"].startswith("chatcmpl-")
        assert 1 <= len(found["objects"]) <= 4
        for item in found["objects"]:
            assert set(item) == {"name", "description"}
            assert 0 < len(item["name"]) <= 30
            assert 0 < len(item["description"]) <= 120


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"image": b"no picture"}, 400, "The picture in image cannot be decoded"),
        ({"image": picture(1)[:-200]}, 400, "The picture in image cannot be decoded"),
        ({"image": b""}, 400, "image is empty"),
        ({"image": bytes(200_001)}, 413, "image has more than"),
        ({"model": "gpt-4-vision-preview"}, 400, "has no image"),
        ({"image": picture(1), "model": "gpt-3.5-turbo"}, 400, "takes no pictures"),
        ({"image": picture(1), "model": "../../x"}, 404, "no model"),
    ],
)
async def test_forms_that_cannot_be_answered_say_why(
    client: aiohttp.ClientSession, fields: dict[str, Any], status: int, said: str
) -> None:
    async with client.post(VISION, data=form(**fields)) as response:
        assert response.status == status
        body = await response.json()
    assert said in body["detail"]
    assert set(body["error"]) == {"code", "message", "details"}


async def test_models_are_listed_for_clients_of_both_documents(
    client: aiohttp.ClientSession,
) -> None:
    async with client.get("/api/v1/models") as response:
        body = await response.json()
    assert body["object"] == "list"
    assert {"gpt-3.5-turbo", "gpt-4-vision-preview"} <= {model["id"] for model in body["data"]}
    for model in body["data"]:
        assert model["object"] == "model"
        assert isinstance(model["created"], int)
        assert isinstance(model["owned_by"], str)
    assert [model["name"] for model in body["models"]] == [model["id"] for model in body["data"]]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHAT, {}, 400),
        (CHAT, {"messages": MESSAGES, "temperature": "hot"}, 400),
        (CHAT, {"messages": MESSAGES, "model": "nobody"}, 404),
        (VISION, {}, 400),
        ("/api/v1/nothing", {}, 404),
    ],
)
async def test_every_error_has_a_detail(
    client: aiohttp.ClientSession, path: str, body: Any, status: int
) -> None:
    async with client.post(path, json=body) as response:
        assert response.status == status
        assert isinstance((await response.json())["detail"], str)


async def test_where_no_model_can_serve_it_is_a_503(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_MODELS_DEFAULT="gone")
    async with aiohttp.ClientSession(daemon.address) as client:
        async with client.post(CHAT, json={"messages": MESSAGES}) as response:
            assert response.status == 503
            assert "gone" in (await response.json())["detail"]
        async with client.post(VISION, data=form(image=picture())) as response:
            assert response.status == 503
            assert (await response.json())["detail"]


def commands(daemon: Daemon, name: str, image: Path | None = None) -> list[str]:
    text = (DOCUMENT / name).read_text(encoding="utf-8")
    text = text.replace("http://localhost:8000", daemon.address)
    text = text.replace("path/to/your/image.jpg", str(image))
    script = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    return [
        f"curl -sS {command}" for command in re.split(r"^curl ", script, flags=re.MULTILINE)[1:]
    ]


def run(command: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


curl = pytest.mark.skipif(not shutil.which("curl"), reason="the examples need curl")


@curl
def test_the_curl_commands_for_conversations_run(daemon: Daemon) -> None:
    whole, streamed = commands(daemon, "caiqitalk_chat.sh")
    assert json.loads(run(whole))["choices"][0]["message"]["role"] == "assistant"
    assert events(run(streamed))[-1]["choices"][0]["finish_reason"] in {"stop", "length"}


@curl
def test_the_curl_command_for_pictures_runs(daemon: Daemon, tmp_path: Path) -> None:
    image = tmp_path / "image.jpg"
    image.write_bytes(picture(1, form="JPEG"))
    (command,) = commands(daemon, "caiqitalk_vision.sh", image)
    assert json.loads(run(command))["objects"]
