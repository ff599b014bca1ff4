"""Native nouns to the control calls' JSON. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.protocol.models import LoadedModel, ModelManifest, PullProgress
from llmd.server.dialects.control.schema import ModelCard


def model_card(
    manifest: ModelManifest, loaded: LoadedModel | None, metadata: dict[str, Any]
) -> dict[str, Any]:
    """Return a manifest with how it stands in memory and what its header says."""
    card = ModelCard(loaded, metadata)
    return {**msgspec.to_builtins(manifest), **msgspec.to_builtins(card)}


def pull_line(event: PullProgress | ModelManifest) -> bytes:
    """Return one line of a pull."""
    body = {"model": event} if isinstance(event, ModelManifest) else event
    return line(body)


def line(body: object) -> bytes:
    """Return one JSON line."""
    return msgspec.json.encode(body) + b"\n"
