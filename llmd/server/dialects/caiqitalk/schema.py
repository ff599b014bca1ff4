"""Structs of what is here alone; conversations have those of server/completions."""

from __future__ import annotations

import msgspec


class VisionForm(msgspec.Struct, frozen=True):
    """`POST /vision/completions`."""

    image: bytes
    """A PNG, JPEG, WebP, GIF or BMP file."""
    model: str | None = None
    """Left out: the default of the models that see."""


class FoundObject(msgspec.Struct, frozen=True):
    """An object in a picture."""

    name: str
    description: str


class Recognition(msgspec.Struct, frozen=True):
    """The objects in a picture, the most prominent one first."""

    recognition_id: str
    objects: list[FoundObject]
