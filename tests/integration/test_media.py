"""Pictures and sounds through the real daemon, with random models that see or hear and the official
client.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.fakes.media_files import data_url, picture, sound
from tests.fakes.random_vision import AUDIO_TOKENS
from tests.integration.conftest import Daemon

VisionFiles = Callable[[str], tuple[Path, Path]]
ENCODED = "encoded a"


class PictureServer(ThreadingHTTPServer):
    """Serves one picture to the host it runs on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = picture(77)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def pictures() -> Iterator[PictureServer]:
    server = PictureServer()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, vision_files: VisionFiles, pictures: PictureServer
) -> Iterator[Daemon]:
    daemon = Daemon(
        tmp_path_factory.mktemp("home"),
        LLMD_LOG_LEVEL="debug",
        LLMD_MEDIA_ALLOWED_HOSTS=pictures.address,
        LLMD_MEDIA_MAX_PIXELS="1000000",
        LLMD_MEDIA_MAX_ITEMS="4",
    ).start()
    for kind in ("tiled", "mrope", "noncausal", "both"):
        path = str(vision_files(kind)[0])
        assert daemon.call("POST", "/control/models/import", {"path": path, "name": kind})["vision"]
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
def client(daemon: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.address}/v1", api_key="none", max_retries=0) as client:
        yield client


def image(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(data)}}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


def audio(data: bytes, form: str = "wav") -> dict[str, Any]:
    packed = base64.b64encode(data).decode()
    return {"type": "input_audio", "input_audio": {"data": packed, "format": form}}


def ask(
    client: openai.OpenAI, model: str, *parts: dict[str, Any], **fields: Any
) -> openai.types.chat.ChatCompletion:
    wishes = {"temperature": 0, "max_tokens": 12, "extra_body": {"ignore_eos": True}, **fields}
    messages: Any = [{"role": "user", "content": list(parts)}]
    return client.chat.completions.create(model=model, messages=messages, **wishes)


def said(answer: openai.types.chat.ChatCompletion) -> str:
    return answer.choices[0].message.content or ""


def encodings(daemon: Daemon) -> int:
    return sum(ENCODED in str(line.get("text", "")) for line in daemon.log())


@pytest.mark.parametrize("model", ["tiled", "mrope", "noncausal"])
def test_the_answer_depends_on_the_picture_and_comes_again_for_it(
    client: openai.OpenAI, model: str
) -> None:
    question = text("what is this?")
    first = ask(client, model, question, image(picture(1)))
    other = ask(client, model, question, image(picture(2)))
    again = ask(client, model, question, image(picture(1)))
    assert said(first) == said(again)
    assert said(first) != said(other)
    assert first.usage
    assert again.usage
    assert again.usage.prompt_tokens == first.usage.prompt_tokens
    details = again.usage.prompt_tokens_details
    assert details
    assert details.cached_tokens


@pytest.mark.parametrize("model", ["tiled", "mrope", "noncausal"])
def test_a_conversation_goes_on_from_the_picture_as_if_read_anew(
    daemon: Daemon, client: openai.OpenAI, model: str
) -> None:
    parts = [text("first"), image(picture(3)), text("then"), image(picture(4)), text("last?")]
    answer = said(ask(client, model, *parts))
    turns: Any = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "and now?"},
    ]
    wishes: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "temperature": 0,
        "max_tokens": 12,
        "extra_body": {"ignore_eos": True},
    }
    warm = client.chat.completions.create(**wishes)
    daemon.call("POST", "/control/unload", {"model": model})
    cold = client.chat.completions.create(**wishes)
    assert said(warm) == said(cold)
    assert warm.usage
    details = warm.usage.prompt_tokens_details
    assert details
    assert details.cached_tokens


def test_the_order_of_two_pictures_matters(client: openai.OpenAI) -> None:
    one, two = image(picture(5)), image(picture(6))
    assert said(ask(client, "tiled", one, two)) != said(ask(client, "tiled", two, one))


def test_a_picture_is_encoded_once_however_often_it_comes(
    daemon: Daemon, client: openai.OpenAI
) -> None:
    before = encodings(daemon)
    for number in range(3):
        ask(client, "tiled", text(f"question {number}"), image(picture(7)), image(picture(8)))
    assert encodings(daemon) == before + 2


def test_a_streamed_answer_and_several_choices(client: openai.OpenAI) -> None:
    parts = [text("x"), image(picture(1))]
    stream = client.chat.completions.create(
        model="tiled", messages=[{"role": "user", "content": parts}], stream=True, max_tokens=8
    )  # type: ignore[call-overload]  # parts are plain dicts
    assert sum(1 for _ in stream) > 1
    choices = ask(client, "tiled", *parts, n=3, temperature=1, seed=5).choices
    assert len({choice.message.content for choice in choices}) == 3


def test_pictures_text_and_many_clients_at_once(client: openai.OpenAI) -> None:
    def one(number: int) -> str:
        if number % 3 == 2:
            return said(ask(client, "mrope", text(f"plain {number}")))
        return said(ask(client, "mrope", text("look"), image(picture(number % 3))))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, range(24)))
    assert len(set(answers[0::3])) == 1
    assert len(set(answers[1::3])) == 1
    assert answers[0] != answers[1]


def test_sounds_are_heard_and_counted(client: openai.OpenAI) -> None:
    plain = ask(client, "both", text("what?"))
    answers = {}
    for hertz, form in ((300, "wav"), (300, "mp3"), (3000, "flac")):
        file = sound(1, hertz, 16_000, form.upper())
        answer = ask(client, "both", text("what?"), audio(file, form), max_tokens=4)
        assert answer.usage
        assert plain.usage
        assert answer.usage.prompt_tokens >= plain.usage.prompt_tokens + AUDIO_TOKENS
        answers[hertz, form] = said(answer)
    assert ask(client, "both", image(picture(1)), audio(sound())).choices


@pytest.mark.parametrize(
    ("model", "part", "reason"),
    [
        ("tiled", image(b"no picture"), "cannot be decoded"),
        ("tiled", image(picture(1)[:-200]), "cannot be decoded"),
        ("tiled", image(picture(1, (2000, 1000))), "1000000 are allowed"),
        ("tiled", image(sound()), "takes no sounds"),
        ("tiled", audio(sound()), "takes no sounds"),
        ("both", audio(b"ID3 nothing"), "cannot be decoded"),
        ("both", audio(sound(), "opus"), "cannot be heard"),
        ("llmd-tiny", image(picture(1)), "takes no pictures"),
        (
            "tiled",
            {"type": "image_url", "image_url": {"url": "http://example.org/x.png"}},
            "may not be fetched",
        ),
        (
            "tiled",
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}},
            "not valid base64",
        ),
        ("tiled", {"type": "hologram"}, "no parts of type"),
    ],
)
def test_what_cannot_be_taken_is_a_400_that_names_the_part(
    client: openai.OpenAI, model: str, part: dict[str, Any], reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason) as caught:
        ask(client, model, text("look"), part)
    assert caught.value.param == "messages[0].content[1]"


def test_too_many_pictures_are_a_400(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"media\.max_items"):
        ask(client, "tiled", *[image(picture(1))] * 5)


def test_a_listed_host_is_fetched_from(client: openai.OpenAI, pictures: PictureServer) -> None:
    remote = {"type": "image_url", "image_url": {"url": f"http://{pictures.address}/p.png"}}
    by_url = ask(client, "tiled", text("look"), remote)
    inline = ask(client, "tiled", text("look"), image(picture(77)))
    assert said(by_url) == said(inline)


def test_markers_in_a_users_text_are_text(client: openai.OpenAI) -> None:
    answer = ask(client, "tiled", text("<__media__> <__image__>"), image(picture(1)))
    assert answer.choices
    assert ask(client, "tiled", text("<__media__>")).choices


def test_a_rendered_prompt_shows_where_the_picture_goes(daemon: Daemon) -> None:
    messages = [{"role": "user", "content": [text("look"), image(picture(1)), text("so?")]}]
    body = {"model": "tiled", "messages": messages}
    prompt = daemon.call("POST", "/v1/apply-template", body)["prompt"]
    assert "look<__media__>so?" in prompt


def test_models_say_what_they_take(daemon: Daemon, client: openai.OpenAI) -> None:
    listed = {
        model["id"]: model["modalities"] for model in daemon.call("GET", "/v1/models")["data"]
    }
    assert listed["tiled"] == ["text", "image"]
    assert listed["both"] == ["text", "image", "audio"]
    assert listed["llmd-tiny"] == ["text"]
    ask(client, "both", text("x"))
    loaded = daemon.loaded("both")
    assert loaded
    assert (loaded["vision"], loaded["audio"]) == (True, True)


def test_a_model_told_to_take_text_alone_does(
    daemon: Daemon, client: openai.OpenAI, vision_files: VisionFiles
) -> None:
    path = str(vision_files("audio")[0])
    body = {"path": path, "name": "deaf", "projector": "none"}
    assert not daemon.call("POST", "/control/models/import", body)["audio"]
    with pytest.raises(openai.BadRequestError, match="takes no sounds"):
        ask(client, "deaf", audio(sound()))
    body = {"path": path, "name": "hearing"}
    assert daemon.call("POST", "/control/models/import", {**body, "name": "deaf"})["audio"]


def test_a_conversation_too_long_drops_its_oldest_pictures(
    daemon: Daemon, vision_files: VisionFiles, client: openai.OpenAI
) -> None:
    turns: Any = [
        {"role": "user", "content": [text("word " * 900), image(picture(1))]},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [text("word " * 900), image(picture(2))]},
    ]
    wishes: dict[str, Any] = {"model": "tiled", "messages": turns, "max_tokens": 2}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**wishes)
    assert caught.value.code == "context_length_exceeded"
    answer = client.chat.completions.with_raw_response.create(
        **wishes, extra_body={"context_overflow": "truncate"}
    )
    assert int(answer.headers["x-llmd-dropped-tokens"]) > 900
