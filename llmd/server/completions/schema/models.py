"""The list of models."""

from __future__ import annotations

import msgspec


class ModelObject(msgspec.Struct, frozen=True):
    """One model; fields after `owned_by` are llmd's addition."""

    id: str
    created: int
    kind: str
    size: int
    context_length: int
    quantization: str
    modalities: list[str]
    """What requests may hold: `text`, `image`, `audio`."""
    object: str = "model"
    owned_by: str = "llmd"


class ModelObjects(msgspec.Struct, frozen=True):
    """`GET /v1/models`."""

    data: list[ModelObject]
    object: str = "list"
