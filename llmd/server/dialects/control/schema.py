"""Structs of the control calls."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.protocol.adoption import Keep, Place
from llmd.protocol.models import LoadedModel, ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.protocol.quantization import Recipe, TypeCard
from llmd.protocol.questions import Pooling
from llmd.services.defaults import DefaultModel, Purpose


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
    keep: Keep = Keep.REFERENCE
    """Other ways than by reference answer with lines, as a pull does."""


class Scan(msgspec.Struct, frozen=True):
    """`POST /control/models/scan`."""

    places: list[Place] | None = None
    """Left out: where tools keep models for the daemon's user."""


class Adopt(msgspec.Struct, frozen=True):
    """`POST /control/models/adopt`."""

    places: list[Place] | None = None
    names: list[str] | None = None
    """Of the finds to register, as a scan gives them; left out: all new ones."""
    keep: Keep = Keep.REFERENCE


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


class Create(msgspec.Struct, frozen=True):
    """`POST /control/models/create`: a preset, see README; `changes` win over the file."""

    name: str
    text: str | None = None
    """Of a TOML file or a Modelfile."""
    directory: str = ""
    """Where relative paths in the text count from."""
    changes: dict[str, Any] = {}
    """Keys as in the TOML."""


class Clear(msgspec.Struct, frozen=True):
    """`POST /control/gc`; `dry` deletes nothing."""

    dry: bool = False


class Verify(msgspec.Struct, frozen=True):
    """`POST /control/verify`; no models: all of them."""

    models: list[str] = []
    repair: bool = False


class Copy(msgspec.Struct, frozen=True):
    """`POST /control/models/copy`."""

    source: str
    target: str


class Pull(msgspec.Struct, frozen=True):
    """`POST /control/pull`."""

    name: str
    limit: Annotated[int, Meta(ge=0)] | None = None
    """Bytes per second for this download; 0: no limit of its own."""
    now: bool = False
    """Whether it does not wait for the hours."""


class Quantize(msgspec.Struct, frozen=True):
    """`POST /control/quantize`: lines as of a pull."""

    model: str
    recipe: Recipe
    name: str | None = None
    """Of the new model; left out: `model:TYPE`."""


class TypeList(msgspec.Struct, frozen=True):
    """`GET /control/quantizations`, with `?model=` for the sizes that model would have."""

    types: list[TypeCard]


class Load(msgspec.Struct, frozen=True):
    """`POST /control/load`."""

    model: str | None = None
    quantization: str | None = None
    """That variant: from disk, else fetched, else made; lines then begin with its progress."""
    options: LoadOptions = LoadOptions()


class Plan(msgspec.Struct, frozen=True):
    """`POST /control/plan`."""

    model: str | None = None
    options: LoadOptions = LoadOptions()


class Unload(msgspec.Struct, frozen=True):
    """`POST /control/unload`; `force` also stops what is being answered."""

    model: str | None = None
    all: bool = False
    force: bool = False


class ChangeDefault(msgspec.Struct, frozen=True):
    """`POST /control/defaults`; no model: the newest one that can."""

    purpose: Purpose
    model: str | None = None


class DefaultList(msgspec.Struct, frozen=True):
    """`GET /control/defaults`."""

    defaults: list[DefaultModel]


class ModelList(msgspec.Struct, frozen=True):
    """`GET /control/models`."""

    models: list[ModelManifest]
    default: str


class Inspect(msgspec.Struct, frozen=True):
    """`POST /control/inspect`."""

    model: str
    """A name, or the absolute path of a GGUF file."""


class CardState(StrEnum):
    """Where that is which `GET /control/models/{name}` or `POST /control/inspect` describes."""

    INSTALLED = "installed"
    """A manifest's fields, `loaded`, `problem`, and where there is none those of FileCard."""
    FILE = "file"
    """`name`, `path`, and the fields of FileCard."""
    CATALOGUE = "catalogue"
    """`entry`, and the `quantization` that was asked for."""


class LoadedList(msgspec.Struct, frozen=True):
    """`GET /control/ps`."""

    models: list[LoadedModel]
