from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from llmd.cli.attachments import content, schema, texts
from llmd.errors import InvalidRequest

PNG = b"\x89PNG\r\n\x1a\n rest"


def test_one_file_is_its_text_and_several_have_names(tmp_path: Path) -> None:
    one, two = tmp_path / "one.md", tmp_path / "two.md"
    one.write_text("eins 一\n\n", encoding="utf-8")
    two.write_bytes(b"\xef\xbb\xbfzwei\n")
    assert texts([]) == ""
    assert texts([one]) == "eins 一"
    assert texts([one, two]) == "one.md:\neins 一\n\ntwo.md:\nzwei"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a\0b", PNG])
def test_what_is_no_text_is_refused_with_what_to_do(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvalidRequest, match="is no text") as caught:
        texts([tmp_path / "x"])
    assert "--image" in caught.value.hint


def test_a_file_beyond_any_context_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(InvalidRequest, match="larger than any context"):
        texts([tmp_path / "x"])


def test_pictures_stand_before_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(PNG)
    url = f"data:image/png;base64,{b64encode(PNG).decode()}"
    picture = {"type": "image_url", "image_url": {"url": url}}
    assert content("What?", []) == "What?"
    assert content("What?", [tmp_path / "x"]) == [picture, {"type": "text", "text": "What?"}]
    assert content("", [tmp_path / "x"]) == [picture]


def test_a_picture_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"%PDF")
    with pytest.raises(InvalidRequest, match="no picture that is known"):
        content("", [tmp_path / "x"])


def test_a_schema_becomes_the_form_of_the_answer(tmp_path: Path) -> None:
    file = tmp_path / "person.json"
    file.write_text('{"type": "object"}')
    assert schema(None) is None
    assert schema(file) == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }


@pytest.mark.parametrize(("text", "said"), [("{", "no JSON:"), ("[]", "no JSON schema")])
def test_a_damaged_schema_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InvalidRequest, match=said):
        schema(tmp_path / "x.json")
