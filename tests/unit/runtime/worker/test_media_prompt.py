"""Markers for media in rendered conversations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import InvalidRequest
from llmd.runtime.worker.media_prompt import Marks, is_media, places


def text(content: str) -> dict[str, str]:
    return {"type": "text", "text": content}


def image(index: int) -> dict[str, Any]:
    return {"type": "image", "media": index}


def user(*parts: object) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


CONVERSATION = [
    {"role": "system", "content": "plain"},
    user(text("what"), image(0), text("is"), text("this"), image(1)),
    {"role": "assistant", "content": None},
    user({"type": "audio", "media": 2}),
]


def test_media_are_named_by_their_place() -> None:
    assert places(CONVERSATION) == [
        "messages[1].content[1]",
        "messages[1].content[4]",
        "messages[3].content[0]",
    ]


def test_only_images_and_sounds_are_media() -> None:
    assert is_media(image(0))
    assert not is_media(text("x"))
    assert not is_media("image")


def test_a_rendered_conversation_is_cut_where_the_media_were() -> None:
    marks = Marks()
    rendered = "|".join(str(message["content"]) for message in marks.put(CONVERSATION))
    assert marks.cut(rendered, CONVERSATION) == ["plain|what", 0, "is\nthis", 1, "|None|", 2]
    assert marks.show(rendered).count("<__media__>") == 3


def test_messages_without_media_stay_as_they_are() -> None:
    plain = [user(text("a"), text("b")), {"role": "user", "content": "c"}]
    assert Marks().put(plain) == plain


def test_nobody_can_write_a_marker() -> None:
    marks, forged = Marks(), Marks()
    theirs = str(forged.put([user(image(0))])[0]["content"])
    message = user(text(f"{theirs} <__media__>"), image(0))
    (put,) = marks.put([message])
    assert marks.cut(put["content"], [message]) == [f"{theirs} <__media__>", 0]


def test_a_template_that_leaves_media_out_is_found_out() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Marks().cut("nothing of it", CONVERSATION)
    assert caught.value.param == "messages[1].content[1]"


def test_media_of_messages_that_were_dropped_are_not_expected() -> None:
    marks = Marks()
    kept = CONVERSATION[3:]
    assert marks.cut(marks.put(kept)[0]["content"], kept) == [2]


@given(st.lists(st.one_of(st.text(max_size=8), st.integers(0, 5)), max_size=8))
def test_what_was_put_is_what_is_cut(parts: list[str | int]) -> None:
    marks = Marks()
    message = user(*(text(part) if isinstance(part, str) else image(part) for part in parts))
    (put,) = marks.put([message])
    if not any(isinstance(part, int) for part in parts):
        assert put is message
        return
    cut = marks.cut(put["content"], [message])
    assert [part for part in cut if isinstance(part, int)] == [
        part for part in parts if isinstance(part, int)
    ]
    texts = "".join(part for part in parts if isinstance(part, str))
    assert "".join(p for p in cut if isinstance(p, str)).replace("\n", "") == texts.replace(
        "\n", ""
    )
