"""Where a model comes from, as its file says: `general.*` of the GGUF specification
(ggml/docs/gguf.md), and what llama.cpp's quantiser adds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.models.gguf.fields import whole
from llmd.models.gguf.header import Header

_TEXT = 2000
_MOST_BASES = 32


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model that this one was made from."""

    name: str = ""
    organization: str = ""
    url: str = ""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The importance matrix that steered the quantisation."""

    file: str = ""
    dataset: str = ""
    chunks: int = 0
    """Pieces of text it was made from."""


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a model comes from; all of it is hearsay."""

    name: str = ""
    author: str = ""
    organization: str = ""
    version: str = ""
    finetune: str = ""
    size_label: str = ""
    """As its makers count it, such as `7B`."""
    quantized_by: str = ""
    license: str = ""
    license_link: str = ""
    url: str = ""
    description: str = ""
    languages: list[str] = []
    tags: list[str] = []
    bases: list[Source] = []
    calibration: Calibration | None = None
    """None: it was quantised without an importance matrix, or does not say."""


def origin_of(header: Header) -> Origin:
    """Return what the (first) header of a model says."""
    values = header.values

    def text(key: str) -> str:
        return _text(values.get(f"general.{key}"))

    return Origin(
        name=text("name") or text("basename"),
        author=text("author"),
        organization=text("organization"),
        version=text("version"),
        finetune=text("finetune"),
        size_label=text("size_label"),
        quantized_by=text("quantized_by"),
        license=text("license.name") or text("license"),
        license_link=text("license.link"),
        url=text("url") or text("repo_url") or text("source.url"),
        description=text("description"),
        languages=_texts(values.get("general.languages")),
        tags=_texts(values.get("general.tags")),
        bases=_bases(values),
        calibration=_calibration(values),
    )


def _bases(values: dict[str, Any]) -> list[Source]:
    count = min(whole(values.get("general.base_model.count")), _MOST_BASES)

    def of(number: int, key: str) -> str:
        return _text(values.get(f"general.base_model.{number}.{key}"))

    found = (
        Source(
            name=of(number, "name"),
            organization=of(number, "organization"),
            url=of(number, "repo_url") or of(number, "url"),
        )
        for number in range(count)
    )
    return [source for source in found if source.name or source.url]


def _calibration(values: dict[str, Any]) -> Calibration | None:
    file = _text(values.get("quantize.imatrix.file"))
    if not file:
        return None
    return Calibration(
        file=file,
        dataset=_text(values.get("quantize.imatrix.dataset")),
        chunks=whole(values.get("quantize.imatrix.chunks_count")),
    )


def _text(value: object) -> str:
    return value[:_TEXT] if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [_text(item) for item in value if item] if isinstance(value, list) else []
