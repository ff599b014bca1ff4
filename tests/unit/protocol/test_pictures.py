from __future__ import annotations

import base64

import pytest

from llmd.protocol.pictures import data_url, kind

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBP", "webp"),
        (b"RIFF\0\0\0\0WAVE", ""),
        (b"BM", "bmp"),
        (b"hello", ""),
        (b"", ""),
    ],
)
def test_pictures_are_told_by_how_they_begin(beginning: bytes, name: str) -> None:
    assert kind(beginning) == name


def test_a_url_holds_the_picture() -> None:
    assert data_url(PNG) == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert data_url(b"RIFF\0\0\0\0WAVE") == ""
