"""Structs of the platform's API. Declarations, no decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance
from llmd.protocol.models import SamplingDefaults, Turn
from llmd.protocol.placement import LoadOptions
from llmd.server.completions.schema import ChatRequest as OpenAIChatRequest

T = TypeVar("T")
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Amount = Annotated[int, Meta(ge=0, le=2**53)]


class Envelope(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Every answer that is no error."""

    code: int = 0
    message: str = "Success"
    data: T


class ChatRequest(OpenAIChatRequest, frozen=True, kw_only=True):
    """`POST /chat/completions`, and what clients send over the WebSocket."""

    model: Name
    """Required here."""


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes something: nothing of it may be passed over."""


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted."""

    page: Annotated[int, Meta(ge=1, le=2**31)] = 1
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 100


class Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list."""

    items: list[T]
    total: int
    """Of the whole list."""
    page: int
    page_size: int


class Limits(_Order, frozen=True):
    """What a user or key may use; null: as the settings say, 0: no limit. What is left out stays,
    and is as the settings say for a new one.
    """

    requests_per_minute: Amount | UnsetType | None = UNSET
    tokens_per_minute: Amount | UnsetType | None = UNSET
    tokens_per_day: Amount | UnsetType | None = UNSET
    concurrent: Amount | UnsetType | None = UNSET


class NewUser(_Order, frozen=True):
    """`POST /admin/users`."""

    username: Name
    password: str
    role: Role = Role.USER
    limits: Limits | None = None


class UserChange(_Order, frozen=True):
    """`PUT /admin/users/{userId}`; what is left out stays."""

    username: Name | None = None
    password: str | None = None
    """Ends all logins of the user."""
    role: Role | None = None
    enabled: bool | None = None
    limits: Limits | None = None


class UserObject(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    username: str
    role: Role
    enabled: bool
    created_at: datetime
    last_login: datetime | None
    limits: Allowance


class NewKey(_Order, frozen=True):
    """`POST /admin/keys`."""

    user_id: Name | None = None
    """Whom the key acts for; null: it is a program's own."""
    name: Annotated[str, Meta(max_length=256)] = ""
    scopes: list[Scope] | None = None
    """What it may do; null: all that its user may, else what is usual."""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    limits: Limits | None = None


class KeyChange(_Order, frozen=True):
    """`PUT /admin/keys/{keyId}`; what is left out stays."""

    enabled: bool | None = None
    name: Annotated[str, Meta(max_length=256)] | None = None
    limits: Limits | None = None


class KeyObject(msgspec.Struct, frozen=True, kw_only=True):
    """An API key; its secret is known to whoever made it."""

    id: str
    prefix: str
    name: str
    user_id: str | None
    scopes: list[Scope]
    enabled: bool
    created_at: datetime
    expires_at: datetime | None
    last_used: datetime | None
    limits: Allowance


class CreatedKey(KeyObject, frozen=True, kw_only=True):
    """The answer to `POST /admin/keys`, the only one with the secret."""

    key: str


class Sampling(SamplingDefaults, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is sampled where a request does not say."""


class Options(LoadOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is loaded."""


class ModelChange(_Order, frozen=True, omit_defaults=True):
    """`PUT /admin/models/{modelId}`; what is left out stays."""

    system: str | None = None
    """System prompt of conversations that bring none."""
    template: str | None = None
    """Chat template in Jinja."""
    messages: list[Turn] | None = None
    """Turns that stand before each conversation."""
    draft: str | None = None
    """Registered model that drafts for it."""
    license: str | None = None
    sampling: Sampling | None = None
    options: Options | None = None


class NewModel(ModelChange, frozen=True, kw_only=True):
    """`POST /admin/models`: a model of its own name over another's files."""

    id: Name
    base: Name
    """A registered model."""


class ModelObject(msgspec.Struct, frozen=True, kw_only=True):
    """A model with its configuration."""

    id: str
    base: str | None
    """The model it was made from; null: it is that model itself."""
    kind: str
    architecture: str
    quantization: str
    parameters: int
    size: int
    """Bytes."""
    context_length: int
    loaded: bool
    created_at: datetime
    system: str
    messages: list[Turn]
    draft: str | None
    sampling: SamplingDefaults
    options: LoadOptions


class Login(msgspec.Struct, frozen=True):
    """`POST /auth/login`."""

    username: Annotated[str, Meta(max_length=1024)]
    password: Annotated[str, Meta(max_length=4096)]


class Refresh(msgspec.Struct, frozen=True):
    """`POST /auth/refresh` and `POST /auth/logout`."""

    refresh_token: Annotated[str, Meta(max_length=8192)]
