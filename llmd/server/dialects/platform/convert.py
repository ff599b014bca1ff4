"""Accounts, models and answers to the objects of the platform's API. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET

from llmd.models.presets.recipe import Recipe
from llmd.models.presets.tables import read_changes
from llmd.protocol.accounts import ApiKey, KeyChanges, User, UserChanges
from llmd.protocol.limits import Allowance
from llmd.protocol.models import ModelManifest
from llmd.server.dialects.platform import schema

T = TypeVar("T")
S = TypeVar("S")


def envelope(data: T) -> schema.Envelope[T]:
    """Return an answer."""
    return schema.Envelope(data=data)


def listing(found: Sequence[S], page: schema.Page, show: Callable[[S], T]) -> schema.Listing[T]:
    """Return a page of a list."""
    start = (page.page - 1) * page.page_size
    return schema.Listing(
        items=[show(one) for one in found[start : start + page.page_size]],
        total=len(found),
        page=page.page,
        page_size=page.page_size,
    )


def moment(seconds: float) -> datetime:
    """Return a time, to the second."""
    return datetime.fromtimestamp(int(seconds), UTC)


def _perhaps(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def user(found: User) -> schema.UserObject:
    """Return an account."""
    return schema.UserObject(
        id=found.id,
        username=found.name,
        role=found.role,
        enabled=found.enabled,
        created_at=moment(found.created_at),
        last_login=_perhaps(found.last_login),
        limits=found.limits,
    )


def user_changes(order: schema.UserChange, known: Allowance) -> UserChanges:
    """Return what shall become of an account that has the limits `known`."""
    return UserChanges(
        name=order.username,
        password=order.password,
        role=order.role,
        enabled=order.enabled,
        limits=allowance(order.limits, known) if order.limits else None,
    )


def allowance(limits: schema.Limits | None, known: Allowance | None = None) -> Allowance:
    """Return limits as the services know them, those that were left out as they are `known`."""
    said = msgspec.structs.asdict(limits) if limits else {}
    given = {name: value for name, value in said.items() if value is not UNSET}
    return msgspec.structs.replace(known or Allowance(), **given)


def key(found: ApiKey) -> schema.KeyObject:
    """Return a key."""
    return schema.KeyObject(**_key_fields(found))


def created_key(found: ApiKey, secret: str) -> schema.CreatedKey:
    """Return a key with its secret."""
    return schema.CreatedKey(key=secret, **_key_fields(found))


def _key_fields(found: ApiKey) -> dict[str, Any]:
    return {
        "id": found.id,
        "prefix": found.prefix,
        "name": found.name,
        "user_id": found.user or None,
        "scopes": sorted(found.scopes),
        "enabled": found.enabled,
        "created_at": moment(found.created_at),
        "expires_at": _perhaps(found.expires_at),
        "last_used": _perhaps(found.last_used),
        "limits": found.limits,
    }


def key_changes(order: schema.KeyChange, known: Allowance) -> KeyChanges:
    """Return what shall become of a key that has the limits `known`."""
    limits = allowance(order.limits, known) if order.limits else None
    return KeyChanges(name=order.name, enabled=order.enabled, limits=limits)


def model(found: ModelManifest, loaded: frozenset[str]) -> schema.ModelObject:
    """Return a model, given the names of those that are loaded."""
    return schema.ModelObject(
        id=found.name,
        base=found.preset.base or None,
        kind=str(found.kind),
        architecture=found.architecture,
        quantization=found.quantization,
        parameters=found.parameters,
        size=found.size,
        context_length=found.context_length,
        loaded=found.name in loaded,
        created_at=moment(found.added),
        system=found.preset.system,
        messages=found.preset.messages,
        draft=found.draft or None,
        sampling=found.preset.sampling,
        options=found.options,
    )


def recipe(order: schema.ModelChange) -> Recipe:
    """Return what a model shall be like; raise InvalidRequest naming the field."""
    table = {
        name: value
        for name, value in cast("dict[str, Any]", msgspec.to_builtins(order)).items()
        if value is not None and name not in {"id", "base"}
    }
    for section in ("sampling", "options"):
        if section in table:
            said = {name: one for name, one in table[section].items() if one is not None}
            table[section] = said
    return read_changes(table)


def based(made: Recipe, base: str) -> Recipe:
    """Return a recipe for a model over another one's files."""
    return msgspec.structs.replace(made, base=base)
