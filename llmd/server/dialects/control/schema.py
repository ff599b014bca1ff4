"""Structs of the control calls."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.protocol.accounts import ApiKey, AuditEntry, User
from llmd.protocol.adoption import Keep, Place
from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance
from llmd.protocol.models import LoadedModel, ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.protocol.quantization import Recipe, TypeCard
from llmd.protocol.questions import Pooling
from llmd.protocol.sessions import NewMessage, Session, SessionMessage
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
    called: str = ""
    """To register it under; empty: as its source or the catalogue calls it."""


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


class CancelRequest(msgspec.Struct, frozen=True):
    """`POST /control/requests/cancel`: a request of `GET /control/requests` that is under way."""

    id: int


class ChangeDefault(msgspec.Struct, frozen=True):
    """`POST /control/defaults`; no model: the newest one that can."""

    purpose: Purpose
    model: str | None = None


class SettingState(msgspec.Struct, frozen=True):
    """`GET /control/settings/{key}`: what holds now, what will after a restart and whether they
    differ, without passwords; `override` is the variable or option that wins over the file.
    """

    value: str
    then: str
    pending: bool
    override: str


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


class SessionPage(msgspec.Struct, frozen=True):
    """Query of `GET /control/sessions` and of a session's messages."""

    skip: int = 0
    limit: int = 100
    active_only: bool = True
    """Of sessions alone."""
    words: str = ""
    """Of sessions alone: those in whose title or messages they stand."""


class SessionName(msgspec.Struct, frozen=True):
    """Query of `GET /control/sessions/find`: an id, how one begins, or a title."""

    name: str


class SessionList(msgspec.Struct, frozen=True):
    """`GET /control/sessions`, those first that changed last."""

    sessions: list[Session]


class SessionCard(msgspec.Struct, frozen=True):
    """`GET /control/sessions/find`."""

    session: Session
    messages: int


class NewSession(msgspec.Struct, frozen=True):
    """`POST /control/sessions`; without a title the first question gives it one."""

    title: str = ""
    model: str = ""


class ChangeSession(msgspec.Struct, frozen=True):
    """`POST /control/sessions/{id}`; what is left out stays."""

    title: str | None = None
    is_active: bool | None = None
    model: str | None = None


class AddMessages(msgspec.Struct, frozen=True):
    """`POST /control/sessions/{id}/messages`: all of them are kept, or none."""

    messages: list[NewMessage]


class MessageList(msgspec.Struct, frozen=True):
    """`GET` and `POST /control/sessions/{id}/messages`, oldest first."""

    messages: list[SessionMessage]


class HistoryLine(msgspec.Struct, frozen=True):
    """What was said, and by whom."""

    role: str
    content: str


class SessionHistory(msgspec.Struct, frozen=True):
    """`GET /control/sessions/{id}/history`."""

    history: list[HistoryLine]


class CutSession(msgspec.Struct, frozen=True):
    """`DELETE /control/sessions/{id}/messages/{message}`: that message and all after it."""

    removed: int
    """How many those were."""


class RemovedSession(msgspec.Struct, frozen=True):
    """`DELETE /control/sessions/{id}`."""

    removed: str


class UserList(msgspec.Struct, frozen=True):
    """`GET /control/users`, by name."""

    users: list[User]


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /control/users`."""

    name: str
    password: str
    role: Role = Role.USER
    limits: Allowance = Allowance()


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and the name of the user it acts for."""

    key: ApiKey
    user: str


class KeyList(msgspec.Struct, frozen=True):
    """`GET /control/keys`, oldest first."""

    keys: list[KeyRow]


class OrderKey(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /control/keys`."""

    user: str = ""
    """Name of the user it acts for; empty: of none."""
    name: str = ""
    scopes: list[Scope] | None = None
    expires_in: float | None = None
    """Seconds."""
    limits: Allowance = Allowance()


class Removed(msgspec.Struct, frozen=True):
    """`DELETE /control/users/NAME` and `/control/keys/KEY`."""

    removed: str


class AuditList(msgspec.Struct, frozen=True):
    """`GET /control/audit`, newest first."""

    entries: list[AuditEntry]


class AuditQuery(msgspec.Struct, frozen=True):
    """Its parameters."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100


class KeyQuery(msgspec.Struct, frozen=True):
    """Parameters of `GET /control/keys`."""

    user: str = ""
    """Name of a user."""


class UsageQuery(msgspec.Struct, frozen=True):
    """Parameters of `GET /control/usage`."""

    key: str = ""
    """Prefix, name or id; left out: all keys."""
    days: Annotated[int, Meta(ge=1, le=400)] = 30
    """Today included; days are those of UTC."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in a day."""

    start: float
    """When it began, in seconds since the epoch."""
    tokens: int
    """Of prompts and answers."""
    answers: int


class KeyUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a key was used for; `days` has those with an answer, oldest first."""

    id: str
    prefix: str
    name: str
    user: str
    """Name of the user it acts for."""
    days: list[Day]


class UsageList(msgspec.Struct, frozen=True):
    """`GET /control/usage`: keys as `GET /control/keys` has them."""

    keys: list[KeyUsage]
