from __future__ import annotations

import base64

import msgspec
import pytest

from llmd.config.settings import MediaSettings
from llmd.config.values import Size
from llmd.errors import InvalidRequest
from llmd.protocol.pictures import data_url
from llmd.protocol.sessions import Picture, Session, SessionMessage
from llmd.server.web import talk

FILES = {
    "image/png": b"\x89PNG\r\n\x1a\nx",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "image/bmp": b"BM1234",
}


def order(**fields: object) -> talk.Order:
    return msgspec.convert({"request_id": "r", **fields}, talk.Order)


def url(data: bytes, kind: str = "text/html") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_is_what_its_bytes_say(kind: str) -> None:
    found = talk.pictures(order(images=[url(FILES[kind])]), MediaSettings())
    assert found == [Picture(kind, FILES[kind])]
    assert data_url(found[0].data) == url(FILES[kind], kind)


@pytest.mark.parametrize(
    "data", [b"<svg onload=alert(1)>", b"<html>", b"RIFF\0\0\0\0WAVE", b"\0", b"%PDF-1.7"]
)
def test_what_is_no_picture_is_refused_whatever_it_says(data: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        talk.pictures(order(images=[url(data, "image/png")]), MediaSettings())
    assert caught.value.param == "images[0]"


def test_pictures_have_limits() -> None:
    few = MediaSettings(max_items=1, max_bytes=Size(4))
    for images in ([url(b"GIF8")] * 2, [url(b"GIF89")]):
        with pytest.raises(InvalidRequest):
            talk.pictures(order(images=images), few)
    assert talk.pictures(order(images=[url(b"GIF89")], again=True), few) == []


def test_an_order_becomes_a_request_for_what_is_new() -> None:
    asked = order(content="你好", model="", parameters={"system": "x", "top_k": 3, "stop": "y"})
    made = talk.request(asked, [])
    assert [(one.role, one.content) for one in made.messages] == [("system", "x"), ("user", "你好")]
    assert (made.model, made.top_k, made.stop, made.enable_thinking) == (None, 3, "y", None)
    assert talk.request(order(again=True, content="x"), []).messages == []
    shown = [Picture("image/gif", b"GIF8")]
    content = talk.request(order(content="x"), shown).messages[0].content
    assert isinstance(content, list)
    assert [part.type for part in content] == ["text", "image_url"]
    alone = talk.request(order(), shown).messages[0].content
    assert isinstance(alone, list)
    assert [part.type for part in alone] == ["image_url"]


@pytest.mark.parametrize(
    "fields", [{"content": " \n"}, {"content": "\ud800"}, {"parameters": {"system": "\ud800"}}]
)
def test_nothing_and_half_characters_are_not_asked(fields: dict[str, object]) -> None:
    plain = {"content": "x", "request_id": "r", **fields}
    asked = talk.Order(
        content=str(plain["content"]),
        request_id="r",
        parameters=talk.Parameters(**fields.get("parameters", {})),  # type: ignore[arg-type]  # a test's shorthand
    )
    with pytest.raises(InvalidRequest):
        talk.request(asked, [])


def test_every_parameter_is_heeded() -> None:
    wished = {
        "temperature": 0.5,
        "top_p": 0.5,
        "top_k": 1,
        "min_p": 0.5,
        "typical_p": 0.5,
        "repeat_penalty": 1.5,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
        "max_tokens": 5,
        "seed": 6,
        "stop": "x",
        "ignore_eos": True,
        "context_overflow": "error",
        "reasoning": True,
        "reasoning_effort": "low",
        "reasoning_budget": 7,
        "system": "s",
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    assert set(wished) == set(talk.Parameters.__struct_fields__)
    made = talk.request(order(content="x", parameters=wished), [])
    told = msgspec.to_builtins(made)
    for name in set(wished) - {"reasoning", "system", "tools"}:
        assert told[name] == wished[name]
    assert (made.enable_thinking, made.messages[0].content) == (True, "s")
    assert made.tools is not None


def test_terms_tell_how_an_answer_was_made_but_no_tools() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    made = talk.terms(order(again=True, parameters={"seed": 0, "tools": tools}), [], "t")
    assert made.told == {"turn": "t", "parameters": {"seed": 0}}
    assert (made.again, made.whole) == (True, True)
    assert talk.terms(order(), [], "t").told == {"turn": "t"}


def test_files_of_a_question_are_known_but_its_content_is_what_is_read() -> None:
    files = [{"name": "a.txt", "lines": 2}]
    asked = order(content="a.txt:\nx\ny", files=files)
    assert talk.request(asked, []).messages[0].content == "a.txt:\nx\ny"
    assert talk.terms(asked, [], "t").asked == {"files": files}
    assert talk.asked(asked, [])["message"]["info"] == {"files": files}
    assert talk.terms(order(content="x", again=True, files=files), [], "t").asked == {}
    for wrong in ({"name": "", "lines": 1}, {"name": "x", "lines": 0}):
        with pytest.raises(msgspec.ValidationError):
            order(content="x", files=[wrong])


def test_pages_are_told_what_is_asked_until_it_is_kept() -> None:
    shown = [Picture("image/gif", b"GIF8")]
    told = talk.asked(order(content="x"), shown)
    assert not told["again"]
    assert (told["message"]["content"], told["message"]["images"]) == (
        "x",
        [data_url(shown[0].data)],
    )
    assert talk.asked(order(again=True), []) == {"again": True, "message": None}


def test_sessions_and_messages_are_told_without_what_pages_need_not_know() -> None:
    session = Session(id="i", title="t", owner="o", created_at=1.0, updated_at=2.0, model="m")
    assert talk.session(session, running=True) == {
        "id": "i",
        "title": "t",
        "model": "m",
        "created_at": 1.0,
        "updated_at": 2.0,
        "running": True,
    }
    message = SessionMessage(
        id="a",
        session_id="i",
        role="user",
        content="x",
        created_at=3.0,
        metadata_info={"pictures": 2},
    )
    assert talk.message(message)["images"] == [
        "/web/chat/sessions/i/messages/a/images/0",
        "/web/chat/sessions/i/messages/a/images/1",
    ]
