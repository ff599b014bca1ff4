"""Names of variants: `name:TYPE` stands beside `name` and `name:OTHER`."""

from __future__ import annotations

from llmd.models.quantization.types import FileType, bits_of

SOURCE = "quantized://"
"""What the source of a variant that was made here begins with; the name of the model it was made
from follows.
"""


def stem_of(name: str) -> str:
    """Return a model's name without the quantisation behind its last colon."""
    stem, colon, tail = name.rpartition(":")
    return stem if colon and bits_of(tail) else name


def variant_name(name: str, kind: FileType) -> str:
    """Return what the model is called in another quantisation."""
    return f"{stem_of(name)}:{kind.name}"
