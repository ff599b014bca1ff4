from __future__ import annotations

import json

import msgspec
import pytest

from llmd.errors import BodyTooLarge, ContextOverflow, InvalidRequest
from llmd.server.completions import schema
from llmd.server.dialects.caiqitalk import convert

CAT = {"name": "猫", "description": "这是一只橘色的猫"}


def whole(text: str | None) -> schema.Completion:
    choice = schema.ChatChoice(0, schema.ChatMessage(text), "stop")
    return schema.Completion(
        id="chatcmpl-1", object="chat.completion", created=1, model="m", choices=[choice]
    )


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "Chinese"),
        ("*", "Chinese"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "Chinese"),
        ("en-US,en;q=0.5", "English"),
        ("tlh, EN;q=0.2, fr;q=0.9", "French"),
        ("de;q=x", "German"),
        (";;,,q=1", "Chinese"),
    ],
)
def test_descriptions_have_the_language_of_the_client(accepted: str, language: str) -> None:
    assert convert.language(accepted) == language


def test_a_question_holds_the_picture_and_bounds_the_answer() -> None:
    asked = convert.question(b"\x00\xff", "m", "Chinese")
    assert asked.model == "m"
    picture, text = asked.messages[0].content or []
    assert isinstance(picture, schema.Part)
    assert isinstance(text, schema.Part)
    assert picture.image_url == "data:image/unknown;base64,AP8="
    assert text.text
    assert "Write in Chinese." in text.text
    assert isinstance(asked.json_schema, dict)
    objects = asked.json_schema["properties"]["objects"]
    item = objects["items"]["properties"]
    longest = sum(text["maxLength"] for text in item.values())
    assert asked.max_tokens
    assert objects["maxItems"] * (longest * 4 + 20) < asked.max_tokens


def test_objects_are_what_the_document_shows() -> None:
    text = json.dumps({"objects": [CAT, {"name": "a", "description": "]}"}]})
    assert msgspec.to_builtins(convert.recognition(whole(text))) == {
        "recognition_id": "chatcmpl-1",
        "objects": [CAT, {"name": "a", "description": "]}"}],
    }


@pytest.mark.parametrize("rest", [",", ',{"name":"b', ',{"name":"b","description":"c"'])
def test_a_cut_answer_gives_its_complete_objects(rest: str) -> None:
    text = '{"objects":[' + json.dumps(CAT, ensure_ascii=False) + rest
    found = convert.recognition(whole(text)).objects
    assert [one.name for one in found] == ["猫"]


@pytest.mark.parametrize("text", [None, "", "{", '{"objects":[', '{"objects":[{"name":"b'])
def test_an_answer_without_one_complete_object_is_an_error(text: str | None) -> None:
    with pytest.raises(ContextOverflow) as caught:
        convert.recognition(whole(text))
    assert caught.value.param == "image"


def test_errors_about_the_picture_call_it_as_the_form_does() -> None:
    where = "messages[0].content[0]"
    found = convert.renamed(BodyTooLarge(f"{where} is large.", hint="h", param=where, bytes=3))
    assert isinstance(found, BodyTooLarge)
    assert (found.message, found.hint, found.param) == ("image is large.", "h", "image")
    assert found.details == {"bytes": 3}
    other = InvalidRequest("x", param="seed")
    assert convert.renamed(other) is other
