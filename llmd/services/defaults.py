"""Which model answers when a request names none, for each thing models are for. May be changed
while the daemon runs, and is written to the configuration file so that it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from llmd.config.settings import ModelSettings
from llmd.config.store import load_settings, set_value
from llmd.errors import ConfigInvalid, InvalidRequest, LlmdError, ModelNotFound
from llmd.models.store import ModelStore
from llmd.protocol.models import Kind, Medium, ModelManifest


class Purpose(StrEnum):
    """What a default is for."""

    CHAT = "chat"
    VISION = "vision"
    """Requests with pictures or sounds."""
    EMBEDDING = "embedding"
    RERANK = "rerank"


class DefaultModel(msgspec.Struct, frozen=True, kw_only=True):
    """One default, as `llmd default` shows it."""

    purpose: Purpose
    model: str
    """Name of the model that answers now, or of the chosen one that is `missing`; empty: there is
    none.
    """
    chosen: bool
    """Whether somebody chose it; else it is the newest that can."""
    missing: bool = False
    """Whether what was chosen is not here, so that requests that name no model are refused."""
    overridden_by: str = ""
    """Environment variable that will win over the file at the next start."""


_SETTINGS = {
    Purpose.CHAT: "default",
    Purpose.VISION: "default_vision",
    Purpose.EMBEDDING: "default_embedding",
    Purpose.RERANK: "default_rerank",
}
_KINDS = {
    Purpose.CHAT: {Kind.CHAT},
    Purpose.VISION: {Kind.CHAT},
    Purpose.EMBEDDING: {Kind.CHAT, Kind.EMBEDDING},
    Purpose.RERANK: {Kind.RERANK},
}
_PURPOSES = {
    Kind.CHAT: Purpose.CHAT,
    Kind.EMBEDDING: Purpose.EMBEDDING,
    Kind.RERANK: Purpose.RERANK,
}

UNNAMED = frozenset({None, "", "default"})
"""What stands for the default where a model could be named."""


class Defaults:
    """The current defaults, and where they are kept; without a file they hold until the end."""

    def __init__(
        self, store: ModelStore, settings: ModelSettings, config_file: Path | None = None
    ) -> None:
        self._store = store
        self._names = {
            purpose: str(getattr(settings, field)) for purpose, field in _SETTINGS.items()
        }
        self._config_file = config_file

    def resolve(
        self, name: str | None, kind: Kind, *, media: Collection[Medium] = ()
    ) -> ModelManifest:
        """Return the named model, or the default of its kind, one that takes what a request holds
        beside text; raise ModelNotFound.
        """
        if name not in UNNAMED:
            return self._store.get(str(name))
        if media and kind is Kind.CHAT:
            return self._taking(frozenset(media))
        return self._choice(_PURPOSES[kind]) or self._store.default(kind)

    def chosen(self, purpose: Purpose) -> str:
        """Return the name that was chosen for a purpose; empty: none was."""
        return self._names[purpose]

    def list(self) -> list[DefaultModel]:
        """Return all defaults as they are now."""
        return [self._describe(purpose) for purpose in Purpose]

    async def change(self, purpose: Purpose, name: str | None) -> DefaultModel:
        """Choose a model for a purpose, or with None leave it to the newest; raise ModelNotFound,
        or InvalidRequest for a model that cannot do it.
        """
        model = await asyncio.to_thread(self._store.get, name) if name else None
        if model:
            _check(model, purpose)
        chosen = model.name if model else ""
        override = ""
        if self._config_file:
            key = f"models.{_SETTINGS[purpose]}"
            override = await asyncio.to_thread(_keep, self._config_file, key, chosen)
        self._names[purpose] = chosen
        return msgspec.structs.replace(self._describe(purpose), overridden_by=override)

    def purposes_of(self, model: str) -> Collection[Purpose]:
        """Return what a model was chosen for."""
        return [purpose for purpose, name in self._names.items() if name and self._is(name, model)]

    async def release(self, purposes: Collection[Purpose]) -> None:
        """Leave to the newest what a model that went was chosen for; where that cannot be written,
        it holds until the daemon ends.
        """
        for purpose in purposes:
            try:
                await self.change(purpose, None)
            except ConfigInvalid as error:
                structlog.get_logger("defaults").warning("cannot be kept", reason=str(error))
                self._names[purpose] = ""

    def _is(self, name: str, model: str) -> bool:
        with suppress(ModelNotFound):
            return self._store.find(name).name == model
        return False

    def _choice(self, purpose: Purpose) -> ModelManifest | None:
        """Return the model that was chosen, None where none was; raise ModelNotFound when it has
        gone.
        """
        name = self._names[purpose]
        try:
            return self._store.get(name) if name else None
        except ModelNotFound as error:
            raise ModelNotFound(
                f"The default for {purpose} is not here. {error.message}",
                hint=f"`llmd default {purpose} MODEL` chooses another, `llmd default {purpose} "
                "--auto` the newest.",
                param="model",
            ) from error

    def _describe(self, purpose: Purpose) -> DefaultModel:
        kind = next(kind for kind in Kind if kind in _KINDS[purpose])
        if purpose is Purpose.EMBEDDING:
            kind = Kind.EMBEDDING
        try:
            model = self._any() if purpose is Purpose.VISION else self.resolve(None, kind)
        except LlmdError:
            chosen = self._names[purpose]
            return DefaultModel(
                purpose=purpose, model=chosen, chosen=bool(chosen), missing=bool(chosen)
            )
        able = purpose is not Purpose.VISION or bool(model.media)
        return DefaultModel(
            purpose=purpose, model=model.name if able else "", chosen=bool(self._names[purpose])
        )

    def _taking(self, media: frozenset[Medium]) -> ModelManifest:
        """Return the model chosen for pictures and sounds, or the usual one where none was, if it
        takes all of `media`; else the newest that does. Where none does, it is the one to say so.
        """
        usual = self._choice(Purpose.VISION)
        with suppress(ModelNotFound):
            usual = usual or self.resolve(None, Kind.CHAT)
        if usual and media <= usual.media:
            return usual
        able = [model for model in self._store.list() if media <= model.media]
        if able:
            return self._store.get(max(able, key=lambda model: model.added).name)
        return usual or self.resolve(None, Kind.CHAT)

    def _any(self) -> ModelManifest:
        """Return the model that `llmd default` names for pictures and sounds."""
        if chosen := self._choice(Purpose.VISION):
            return chosen
        seeing = self._taking(frozenset({Medium.IMAGE}))
        return seeing if seeing.vision else self._taking(frozenset({Medium.AUDIO}))


def _check(model: ModelManifest, purpose: Purpose) -> None:
    if model.kind not in _KINDS[purpose] or (purpose is Purpose.VISION and not model.media):
        raise InvalidRequest(
            f"{model.name} cannot be the default for {purpose}: it is a {model.kind} model"
            + (" without a projector." if purpose is Purpose.VISION else "."),
            hint="`llmd ls` tells what models are for.",
            param="model",
        )


def _keep(config_file: Path, key: str, name: str) -> str:
    """Write a default; return the environment variable that will override it, if one does."""
    set_value(config_file, key, name)
    source = load_settings(config_file).sources[key]
    return "" if source == str(config_file) else source
