"""Picture files to pixels, with limits: they come from strangers.

Pillow rather than llama.cpp's stb_image: it knows a picture's size before it unpacks it, turns it
as its EXIF data says, reads WebP, and has its decoders fuzzed by others.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

from llmd.errors import InvalidRequest

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")

# encoders resize by the ratio of the sides; a strip would become wider than any of them allows
_LONGEST_STRIP = 200
_DEEP = 256

# what Pillow's readers raise on damaged files
_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    OverflowError,
    AttributeError,
    struct.error,
    zlib.error,
    MemoryError,
)

# our own check stands before the pixels are unpacked, and has the setting's figure
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in rows from the top, three bytes each (red, green, blue)."""

    width: int
    height: int
    pixels: bytes


def read_picture(data: bytes, where: str, most_pixels: int) -> Picture:
    """Decode the (first) picture of a file, upright, on white where it is transparent; raise
    InvalidRequest that names `where`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check(image, where, most_pixels)
            return _pixels(image)
    except _FAULTS as error:
        raise InvalidRequest(
            f"The picture in {where} cannot be decoded: {str(error) or type(error).__name__}.",
            hint="Send a whole PNG, JPEG, WebP, GIF or BMP file.",
            param=where,
        ) from error


def _check(image: Image.Image, where: str, most_pixels: int) -> None:
    width, height = image.size
    if width * height > most_pixels:
        raise InvalidRequest(
            f"The picture in {where} has {width} x {height} pixels; {most_pixels} are allowed.",
            hint="Send a smaller one, or raise media.max_pixels.",
            param=where,
        )
    if not width or not height or max(width, height) > _LONGEST_STRIP * min(width, height):
        raise InvalidRequest(
            f"The picture in {where} has {width} x {height} pixels, too thin a strip.",
            hint=f"The longer side may be {_LONGEST_STRIP} times the shorter.",
            param=where,
        )


def _pixels(image: Image.Image) -> Picture:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 bits of grey, which conversion would cut off at 255
        upright = upright.convert("I").point(lambda level: level * (1 / _DEEP)).convert("L")
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        upright = Image.new("RGB", layer.size, "white")
        upright.paste(layer, mask=layer.getchannel("A"))
    colours = upright.convert("RGB")
    return Picture(colours.width, colours.height, colours.tobytes())
