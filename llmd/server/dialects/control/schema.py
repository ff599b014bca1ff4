"""Structs of the control calls."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.protocol.models import LoadedModel, ModelManifest
from llmd.protocol.questions import Pooling


class Stop(msgspec.Struct, frozen=True):
    """`POST /control/stop`: `drain` lets running answers finish, `now` does not."""

    mode: Literal["drain", "now"] = "drain"


class Import(msgspec.Struct, frozen=True):
    """`POST /control/models/import`."""

    path: str
    name: str | None = None
    projector: str | None = None
    """Path of the mmproj file, or `none`; left out: the one beside the model."""
    pooling: Pooling = Pooling.MODEL


class AddAdapter(msgspec.Struct, frozen=True):
    """`POST /control/adapters/add`."""

    model: str
    path: str
    name: str | None = None
    scale: Annotated[float, Meta(ge=-100, le=100)] = 1.0
    default: bool = False


class RemoveAdapter(msgspec.Struct, frozen=True):
    """`POST /control/adapters/remove`."""

    model: str
    name: str


class Copy(msgspec.Struct, frozen=True):
    """`POST /control/models/copy`."""

    source: str
    target: str


class Pull(msgspec.Struct, frozen=True):
    """`POST /control/pull`."""

    name: str


class Load(msgspec.Struct, frozen=True):
    """`POST /control/load`."""

    model: str | None = None


class Unload(msgspec.Struct, frozen=True):
    """`POST /control/unload`; `force` also stops what is being answered."""

    model: str | None = None
    all: bool = False
    force: bool = False


class ModelList(msgspec.Struct, frozen=True):
    """`GET /control/models`."""

    models: list[ModelManifest]
    default: str


class ModelCard(msgspec.Struct, frozen=True):
    """`GET /control/models/{name}`: the manifest's fields beside these."""

    loaded: LoadedModel | None
    metadata: dict[str, Any]


class LoadedList(msgspec.Struct, frozen=True):
    """`GET /control/ps`."""

    models: list[LoadedModel]
