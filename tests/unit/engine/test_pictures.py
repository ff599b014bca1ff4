"""Pictures from strangers."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from llmd.engine.pictures import FORMATS, Picture, read_picture
from llmd.errors import InvalidRequest
from tests.fakes.media_files import picture, saved

WHERE = "messages[0].content[1]"
MOST = 10_000


def read(data: bytes) -> Picture:
    return read_picture(data, WHERE, MOST)


def refusal(data: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read(data)
    assert caught.value.param == WHERE
    assert WHERE in caught.value.message
    return caught.value


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_rgb_rows_from_the_top(form: str) -> None:
    image = Image.new("RGB", (20, 10), "red")
    image.paste("blue", (0, 5, 20, 10))
    found = read(saved(image, form))
    assert (found.width, found.height, len(found.pixels)) == (20, 10, 600)
    pixels = np.frombuffer(found.pixels, np.uint8).reshape(10, 20, 3)
    np.testing.assert_allclose(pixels[1, 9], (255, 0, 0), atol=6)
    np.testing.assert_allclose(pixels[8, 9], (0, 0, 255), atol=6)


def test_lossless_pixels_are_exact() -> None:
    found = read(picture(3))
    image = Image.open(io.BytesIO(picture(3)))
    assert found.pixels == image.tobytes()


def test_it_is_turned_as_its_exif_data_says() -> None:
    image = Image.new("RGB", (20, 10), "black")
    image.paste("white", (0, 0, 10, 10))
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was held upright
    found = read(saved(image, "JPEG", exif=exif))
    assert (found.width, found.height) == (10, 20)
    assert found.pixels[0] > 200
    assert found.pixels[-1] < 50


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    found = read(saved(Image.new(mode, (4, 4))))
    assert found.pixels == b"\xff" * 48


def test_palettes_grey_and_deep_grey_come_out_as_colours() -> None:
    assert read(saved(Image.new("P", (4, 4)))).pixels == bytes(48)
    assert read(saved(Image.new("L", (4, 4), 100))).pixels == b"d" * 48
    deep = Image.fromarray(np.full((4, 4), 25_700, np.uint16))
    assert read(saved(deep)).pixels == b"d" * 48
    assert read(saved(Image.new("1", (4, 4), 1))).pixels == b"\xff" * 48
    assert len(read(saved(Image.new("CMYK", (4, 4)), "JPEG")).pixels) == 48


def test_of_an_animation_the_first_picture_counts() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    found = read(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found.pixels[:3] == b"\xff\0\0"


def png_bomb(side: int) -> bytes:
    """Return a small file that unpacks to side * side white pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    row = b"\0" + b"\xff" * (side // 8 + 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row * 100))
        + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_by_its_size_before_it_is_unpacked() -> None:
    bomb = png_bomb(60_000)
    assert len(bomb) < 10_000
    error = refusal(bomb)
    assert "60000 x 60000" in error.message
    assert "media.max_pixels" in error.hint


def test_a_limit_above_pillows_own_is_heeded_too() -> None:
    with pytest.raises(InvalidRequest, match="cannot be decoded"):
        read_picture(png_bomb(14_000), WHERE, 10**9)


def test_strips_are_refused() -> None:
    assert "strip" in refusal(saved(Image.new("RGB", (9000, 1)))).message
    assert read(saved(Image.new("RGB", (200, 1)))).width == 200
    assert read(saved(Image.new("RGB", (1, 1)))).pixels == bytes(3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM" + bytes(60),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        bytes(1000),
        picture(1)[:-100],
        picture(1, form="JPEG")[:300],
        saved(Image.new("RGB", (4, 4)), "TIFF"),
        saved(Image.new("RGB", (4, 4)), "PPM"),
    ],
)
def test_what_is_no_whole_picture_of_these_formats_is_refused(data: bytes) -> None:
    assert "cannot be decoded" in refusal(data).message


SEEDS = [picture(5, (12, 9), form) for form in FORMATS] + [
    saved(Image.new("RGBA", (9, 9)), "WEBP"),
    saved(Image.new("P", (9, 9)), "GIF"),
]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it forgives
@settings(max_examples=150)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12),
    st.integers(0, 200),
)
def test_damage_gives_a_picture_or_a_refusal(
    seed: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    try:
        found = read(bytes(data[: len(data) - cut]))
    except InvalidRequest:
        return
    assert len(found.pixels) == 3 * found.width * found.height
