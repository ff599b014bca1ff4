"""The settings: what each is now, where that comes from, and what it will be after a restart.

A change is written to config.toml, as `llmd config set` does it; nearly all of it is read when the
daemon starts. Only the default models hold at once. What would keep the daemon from starting again
is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from llmd.config.description import Description, as_text, descriptions
from llmd.config.settings import Settings
from llmd.config.store import (
    convert,
    faults,
    flatten,
    load_settings,
    set_value,
    unset_value,
    written,
)
from llmd.config.values import concealed
from llmd.errors import ConfigInvalid, NotFound
from llmd.protocol.accounts import AuditKind
from llmd.protocol.callers import Caller
from llmd.security.exposure import check_listeners
from llmd.services.audit import Audit
from llmd.services.defaults import Defaults, Purpose

_PAGE = "settings page"
_AT_ONCE = {
    "models.default": Purpose.CHAT,
    "models.default_vision": Purpose.VISION,
    "models.default_embedding": Purpose.EMBEDDING,
    "models.default_rerank": Purpose.RERANK,
}
DEFAULT = "default"
"""Source of what nobody has said."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting; values are as `llmd config set` takes them, with passwords taken out."""

    about: Description
    value: str
    """What holds now."""
    source: str
    """Of that: `default`, the path of the file, the name of a variable or an option."""
    written: str | None
    """What the file says; None: nothing."""
    then: str
    """What will hold after a restart."""
    override: str = ""
    """The variable or option that wins over the file; empty: none does."""
    hidden: bool = False
    """Whether a password was taken out."""
    at_once: bool = False
    """Whether a change holds without a restart."""

    @property
    def pending(self) -> bool:
        """Whether a restart changes it."""
        return self.then != self.value


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """All settings."""

    path: str
    """Of the file."""
    settings: dict[str, Setting]
    """By their keys, in the order of the file."""
    faults: list[str]
    """What is wrong in the file or the environment, for which the daemon would not start again."""

    @property
    def pending(self) -> int:
        """How many a restart changes."""
        return sum(setting.pending for setting in self.settings.values())


class Configuration:
    """Shows and changes the settings. `by` is who does it, for the audit log."""

    def __init__(
        self,
        path: Path,
        running: Settings,
        sources: Mapping[str, str],
        defaults: Defaults,
        audit: Audit,
    ) -> None:
        """`running` and `sources` are what the daemon was started with."""
        self._path = path
        self._values = flatten(running)
        self._sources = sources
        self._defaults = defaults
        self._audit = audit
        self._changing = asyncio.Lock()

    async def sheet(self) -> Sheet:
        """Return all settings as they are now; raise ConfigInvalid for a file that cannot be
        read.
        """
        return await asyncio.to_thread(self._sheet)

    async def get(self, key: str) -> Setting:
        """Return one; raise NotFound."""
        _check_key(key)
        return (await self.sheet()).settings[key]

    async def change(self, key: str, text: str, *, by: Caller | None) -> Setting:
        """Write a value, and return the setting. Raises NotFound, ConfigInvalid for a value that
        will not do, and ModelNotFound or InvalidRequest for a default that cannot be one.
        """
        _check_key(key)
        async with self._changing:
            if purpose := _AT_ONCE.get(key):
                await self._defaults.change(purpose, text or None)
            else:
                await asyncio.to_thread(self._write, key, text)
        self._audit.note(AuditKind.SETTING_CHANGED, by, key, str(concealed(text)))
        return await self.get(key)

    async def reset(self, key: str, *, by: Caller | None) -> Setting:
        """Take a value out of the file, and return the setting; raise NotFound and
        ConfigInvalid.
        """
        _check_key(key)
        async with self._changing:
            if purpose := _AT_ONCE.get(key):
                await self._defaults.change(purpose, None)
            await asyncio.to_thread(self._write, key, None)
        self._audit.note(AuditKind.SETTING_CHANGED, by, key, DEFAULT)
        return await self.get(key)

    def _write(self, key: str, text: str | None) -> None:
        self._check(key, text)
        if text is None:
            unset_value(self._path, key)
        else:
            set_value(self._path, key, text, _PAGE)

    def _check(self, key: str, text: str | None) -> None:
        """Raise ConfigInvalid for what is no value, or would keep a daemon that would start now
        from starting.
        """
        value = convert(key, descriptions()[key].default if text is None else text, _PAGE)
        try:
            now = load_settings(self._path)
            check_listeners(now.settings)
        except ConfigInvalid:
            return  # it may be on the way to mending that
        if not self._overrides(now.sources[key]):
            check_listeners(_replaced(now.settings, key, value))

    def _overrides(self, source: str) -> bool:
        """Whether what comes from there wins over the file."""
        return source not in {DEFAULT, str(self._path)}

    def _sheet(self) -> Sheet:
        in_file = {
            f"{section}.{field}": value
            for section, fields in written(self._path).items()
            for field, value in fields.items()
        }
        wrong = faults(self._path)
        chosen = {key: self._defaults.chosen(purpose) for key, purpose in _AT_ONCE.items()}
        then, sources = self._values | chosen, self._sources
        if not wrong:
            loaded = load_settings(self._path)
            then, sources = flatten(loaded.settings), loaded.sources
        found = {
            key: self._setting(key, in_file, then, sources.get(key, DEFAULT))
            for key in descriptions()
        }
        return Sheet(path=str(self._path), settings=found, faults=[str(fault) for fault in wrong])

    def _setting(
        self, key: str, in_file: Mapping[str, Any], then: Mapping[str, Any], source: str
    ) -> Setting:
        value, present = self._values[key], self._sources.get(key, DEFAULT)
        purpose = _AT_ONCE.get(key)
        if purpose:
            value = self._defaults.chosen(purpose)
            present = source if value == then[key] else str(self._path) if value else DEFAULT
        # an option was given by hand: whoever starts llmd again will give it again, or not
        by_hand = self._overrides(present) and not present.startswith("LLMD_")
        after = value if by_hand else then[key]
        override = present if by_hand else source if self._overrides(source) else ""
        said = in_file.get(key)
        return Setting(
            about=descriptions()[key],
            value=_shown(value),
            source=present,
            written=None if said is None else _shown(said),
            then=_shown(after),
            override=override,
            hidden=any(_shown(one) != as_text(one) for one in (value, after, said)),
            at_once=purpose is not None,
        )


def _check_key(key: str) -> None:
    if key not in descriptions():
        raise NotFound(f"There is no setting {key[:100]!r}.", hint="Load the page again.")


def _replaced(settings: Settings, key: str, value: object) -> Settings:
    section, _, field = key.partition(".")
    changed = msgspec.structs.replace(getattr(settings, section), **{field: value})
    return msgspec.structs.replace(settings, **{section: changed})


def _shown(value: object) -> str:
    return as_text(concealed(value))
