"""Pictures and sounds of OpenAI messages."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from llmd.config.settings import MediaSettings
from llmd.config.values import Size
from llmd.errors import InvalidRequest
from llmd.protocol.models import Kind, ModelManifest, SamplingDefaults
from llmd.protocol.requests import ChatPrompt, GenerateRequest, TextPrompt
from llmd.server.completions import schema
from llmd.server.completions.convert import media, requests
from llmd.server.completions.convert.media import Source
from tests.fakes.media_files import data_url

LIMITS = MediaSettings(max_bytes=Size(100), max_items=3)
WHERE = "messages[1].content[1]"


def asked(*parts: object) -> schema.ChatRequest:
    """Return a request whose second message has these parts after a text."""
    text = {"type": "text", "text": "look"}
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [text, *parts]},
    ]
    return msgspec.convert({"messages": messages}, schema.ChatRequest)


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


def audio(data: str, form: str | None = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


def model(**senses: bool) -> ModelManifest:
    return ModelManifest(
        name="m", path="/m", source="file:///m", kind=Kind.CHAT, architecture="x", parameters=1,
        quantization="F32", size=1, context_length=1, added=0, owned=False, **senses,
    )  # fmt: skip


def refused(*parts: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        media.sources(asked(*parts), LIMITS)
    return caught.value


def test_media_are_found_in_order_with_their_places() -> None:
    encoded = base64.b64encode(b"sound").decode()
    request = asked(
        image(data_url(b"one")),
        audio(encoded),
        {"type": "image_url", "image_url": "HTTPS://example.org/x.png"},
    )
    assert media.sources(request, LIMITS) == [
        Source(WHERE, "image", b"one"),
        Source("messages[1].content[2]", "audio", b"sound"),
        Source("messages[1].content[3]", "image", url="HTTPS://example.org/x.png"),
    ]
    assert media.sources(asked(), LIMITS) == []


@pytest.mark.parametrize("packed", ["b25l", "b25 l", "b2\r\n5l\n", "\tb25l"])
def test_base64_with_line_breaks_is_understood(packed: str) -> None:
    (found,) = media.sources(asked(image(f"data:image/png;base64,{packed}")), LIMITS)
    assert found.data == b"one"


def test_missing_padding_is_forgiven() -> None:
    (found,) = media.sources(asked(audio("b25lMQ", None)), LIMITS)
    assert found.data == b"one1"


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (image("data:image/png;base64,###"), "not valid base64"),
        (image("data:image/png;base64,中文"), "not valid base64"),
        (image("data:image/png;base64,"), "is empty"),
        (image("data:image/png,one"), "neither a data URL"),
        (image("data:image/png;base64"), "neither a data URL"),
        (image("file:///etc/passwd"), "neither a data URL"),
        (image("b25l"), "neither a data URL"),
        (image(""), "no image_url.url"),
        ({"type": "image_url"}, "no image_url.url"),
        ({"type": "input_audio"}, "no input_audio"),
        (audio("b25l", "opus"), "cannot be heard"),
        (audio("*"), "not valid base64"),
        (image(data_url(bytes(101))), "more than 100 bytes"),
        (audio("A" * 10**6), "more than 100 bytes"),
    ],
)
def test_what_is_malformed_is_refused_by_its_place(part: dict[str, Any], reason: str) -> None:
    error = refused(part)
    assert reason in error.message
    assert error.param == WHERE
    assert WHERE in error.message


def test_the_limit_is_a_size_that_is_still_allowed() -> None:
    (found,) = media.sources(asked(image(data_url(bytes(100)))), LIMITS)
    assert len(found.data) == 100


def test_too_many_are_refused() -> None:
    error = refused(*[image(data_url(b"x"))] * 4)
    assert error.param == "messages[1].content[4]"
    assert "media.max_items" in error.hint


@pytest.mark.parametrize(
    ("senses", "place"),
    [
        ({}, "a"),
        ({"vision": True}, "b"),
        ({"audio": True}, "a"),
        ({"vision": True, "audio": True}, None),
    ],
)
def test_a_model_must_take_what_it_is_given(senses: dict[str, bool], place: str | None) -> None:
    found = [Source("a", "image"), Source("b", "audio")]
    if place is None:
        media.check(found, model(**senses))
        return
    with pytest.raises(InvalidRequest) as caught:
        media.check(found, model(**senses))
    assert caught.value.param == place
    assert "--mmproj" in caught.value.hint


def test_parts_are_replaced_by_what_says_which_of_the_media_they_were() -> None:
    request = asked(image(data_url(b"1")), {"type": "text", "text": "and"}, audio("b25l"))
    (native,) = requests.chat_requests(request, SamplingDefaults())
    assert isinstance(native.prompt, ChatPrompt)
    assert native.prompt.messages[0]["content"] == "be brief"
    assert native.prompt.messages[1]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image", "media": 0},
        {"type": "text", "text": "and"},
        {"type": "audio", "media": 1},
    ]


def test_media_go_into_every_choice() -> None:
    chat = GenerateRequest(prompt=ChatPrompt([{"role": "user", "content": "x"}]))
    made = media.attached([chat, chat, GenerateRequest(prompt=TextPrompt("x"))], [b"1", b"2"])
    assert [getattr(request.prompt, "media", None) for request in made] == [
        [b"1", b"2"],
        [b"1", b"2"],
        None,
    ]


def test_all_choices_together_must_fit_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "_MOST_BYTES", 10)
    chat = GenerateRequest(prompt=ChatPrompt([{"role": "user", "content": "x"}]))
    assert len(media.attached([chat] * 2, [b"12345"])) == 2
    with pytest.raises(InvalidRequest, match="together"):
        media.attached([chat] * 3, [b"12345"])
