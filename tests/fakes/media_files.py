"""Small pictures and sounds, as files."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import soundfile
from PIL import Image


def picture(
    seed: int = 0, size: tuple[int, int] = (64, 48), form: str = "PNG", **options: Any
) -> bytes:
    """Return a file of noise; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return saved(Image.fromarray(pixels), form, **options)


def saved(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """Return an image as a file."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def sound(seconds: float = 0.5, hertz: float = 440, rate: int = 8000, form: str = "WAV") -> bytes:
    """Return a file with a tone."""
    file = io.BytesIO()
    at = np.arange(int(seconds * rate)) / rate
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * hertz * at), rate, format=form)
    return file.getvalue()


def data_url(data: bytes, kind: str = "image/png") -> str:
    """Return a file as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
