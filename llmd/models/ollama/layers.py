"""What the text layers of a model say, as a preset: its author's system prompt, example turns,
licence and parameters.

The template layer is left alone: it is written in Go's template language, and the GGUF itself has
the model's own in Jinja, which is the one llmd uses.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from llmd.models.ollama import parameters
from llmd.models.ollama.manifest import Layer, Parts
from llmd.protocol.models import Preset, Turn
from llmd.protocol.placement import LoadOptions


def preset(parts: Parts, text: Callable[[Layer], bytes]) -> tuple[Preset, LoadOptions]:
    """Return what a model's layers lay upon its weights; `text` reads a layer."""

    def words(layer: Layer | None) -> str:
        return text(layer).decode("utf-8", "replace").strip() if layer else ""

    read = parameters.read(text(parts.params)) if parts.params else parameters.Parameters()
    laid = Preset(
        system=words(parts.system),
        messages=_turns(text(parts.messages)) if parts.messages else [],
        license=words(parts.license),
        sampling=read.sampling,
    )
    return laid, read.options


def _turns(data: bytes) -> list[Turn]:
    try:
        return msgspec.json.decode(data, type=list[Turn])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
