"""Reads settings from config.toml and the environment, says where each value came from, and writes
single keys.
"""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from llmd.config.hours import Hours
from llmd.config.networks import Networks
from llmd.config.settings import Settings
from llmd.config.values import Duration, Size, decode, encode
from llmd.errors import ConfigInvalid

# names that every user of such tools expects, next to LLMD_SECTION_KEY
_SHORT_NAMES = {
    "LLMD_HOST": "server.host",
    "LLMD_PORT": "server.port",
    "LLMD_KEEP_ALIVE": "pool.keep_alive",
    "LLMD_MODEL": "models.default",
}
_WRITING = threading.Lock()
"""One change of a file after the other, where a daemon makes them in threads."""


class Loaded(msgspec.Struct, frozen=True):
    """Settings together with the origin of each key: `default`, the file's path, or the variable's
    name.
    """

    settings: Settings
    sources: dict[str, str]


def keys() -> dict[str, Any]:
    """Return every `section.key` with its declared type."""
    found = {}
    for section, kind in get_type_hints(Settings, include_extras=True).items():
        for key, hint in get_type_hints(kind, include_extras=True).items():
            found[f"{section}.{key}"] = hint
    return found


def allowed(hint: Any) -> str:
    """Say in words which values a key takes."""
    base, low, high = hint, None, None
    if get_origin(hint) is not None and get_args(hint):
        base, meta = get_args(hint)[0], get_args(hint)[1]
        low, high = meta.ge, meta.le
    if issubclass(base, Duration | Size | Hours | Networks):
        return str(base.ALLOWED)
    if issubclass(base, StrEnum):
        return "one of " + ", ".join(base)
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[base]
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    return f"{words} of at least {low}" if low is not None else words


def convert(key: str, value: object, where: str) -> Any:
    """Check one value; raise ConfigInvalid naming `where`, the key and what is allowed."""
    known = keys()
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else "`llmd config show` lists all keys."
        raise ConfigInvalid(f"{where}: there is no setting {key}.", hint=hint, param=key)
    try:
        return msgspec.convert(
            value, known[key], strict=not isinstance(value, str), dec_hook=decode
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigInvalid(
            f"{where}: {key} is {value!r}.", hint=f"It must be {allowed(known[key])}.", param=key
        ) from error


def _from_file(path: Path) -> Iterator[tuple[str, object]]:
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(
            f"{path} is not valid TOML: {error}.", hint="Mend the line or delete the file."
        ) from error
    except OSError as error:
        raise ConfigInvalid(
            f"{path} cannot be read: {error.strerror}.",
            hint="Let the user that runs llmd read it.",
        ) from error
    for section, table in tree.items():
        if not isinstance(table, dict):
            raise ConfigInvalid(
                f"{path}: {section} stands outside a section.",
                hint="Write it under [section].",
                param=section,
            )
        yield from ((f"{section}.{key}", value) for key, value in table.items())


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    names = {f"LLMD_{key.replace('.', '_').upper()}": key for key in keys()} | _SHORT_NAMES
    prefixes = tuple(f"LLMD_{section.upper()}_" for section in get_type_hints(Settings))
    for name, value in environ.items():
        if name in names and value != "":
            yield name, names[name], value
        elif name not in names and name.startswith(prefixes):
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else "`llmd config show` lists all keys."
            raise ConfigInvalid(f"environment variable {name} sets nothing.", hint=hint, param=name)


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Merge defaults, file and environment, in rising precedence; raise ConfigInvalid on the first
    bad value.
    """
    sources = dict.fromkeys(keys(), "default")
    values: dict[str, Any] = {}
    for key, raw in _from_file(path):
        values[key] = convert(key, raw, str(path))
        sources[key] = str(path)
    for name, key, text in _from_environment(os.environ if environ is None else environ):
        values[key] = convert(key, text, f"environment variable {name}")
        sources[key] = name
    tree: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, field = key.partition(".")
        tree.setdefault(section, {})[field] = value
    return Loaded(_build(tree), sources)


def faults(path: Path, environ: Mapping[str, str] | None = None) -> list[ConfigInvalid]:
    """Return everything that `load_settings` would refuse, one error for each key."""
    found: list[ConfigInvalid] = []

    def check(pairs: Iterator[tuple[str, object]], where: str) -> None:
        try:
            for key, raw in pairs:
                _note(found, key, raw, where)
        except ConfigInvalid as error:
            found.append(error)

    check(_from_file(path), str(path))
    for name, value in (os.environ if environ is None else environ).items():
        named = ((key, text) for _, key, text in _from_environment({name: value}))
        check(named, f"environment variable {name}")
    return found


def _note(found: list[ConfigInvalid], key: str, raw: object, where: str) -> None:
    try:
        convert(key, raw, where)
    except ConfigInvalid as error:
        found.append(error)


def _build(tree: dict[str, dict[str, Any]]) -> Settings:
    sections = get_type_hints(Settings)
    return Settings(**{name: sections[name](**fields) for name, fields in tree.items()})


def flatten(settings: Settings) -> dict[str, Any]:
    """Return `{"section.key": plain value}` for all keys."""
    tree = msgspec.to_builtins(settings, enc_hook=encode)
    return {
        f"{section}.{key}": value for section, table in tree.items() for key, value in table.items()
    }


def set_value(path: Path, key: str, text: str, where: str = "command line") -> Any:
    """Write one key into the file, atomically, and return the value as stored; all else in the file
    stays as it was written.

    Raises ConfigInvalid, which names `where` the text comes from, also for a file that cannot be
    written.
    """
    value = msgspec.to_builtins(convert(key, text, where), enc_hook=encode)
    with _WRITING:
        written(path)
        _change(path, key, value)
    return value


def unset_value(path: Path, key: str) -> None:
    """Take one key out of the file, so that its default holds; raise ConfigInvalid for a file that
    cannot be written.
    """
    section, _, field = key.partition(".")
    with _WRITING:
        if field in written(path).get(section, {}):
            _change(path, key, None)


def written(path: Path) -> dict[str, dict[str, Any]]:
    """Return what stands in the file, by section and key, right or wrong; raise ConfigInvalid for
    one that cannot be read.
    """
    tree: dict[str, dict[str, Any]] = {}
    for known, raw in _from_file(path):
        section, _, field = known.partition(".")
        tree.setdefault(section, {})[field] = raw
    return tree


def _change(path: Path, key: str, value: Any) -> None:
    """Give a key of a sound file a value, or with None take it out."""
    from llmd.config import document  # noqa: PLC0415  50 ms that only what writes a file waits for

    section, _, field = key.partition(".")
    try:
        before = path.read_bytes().decode() if path.exists() else ""
        if value is None:
            after = document.without(before, section, field)
        else:
            after = document.with_value(before, section, field, value)
    except ValueError as error:
        raise ConfigInvalid(
            f"{path} cannot be changed at {key}: {error}.", hint="Change it by hand.", param=key
        ) from error
    _write(path, after.encode())


def _write(path: Path, content: bytes) -> None:
    # a link, as people keep them to their dotfiles, stays one
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise ConfigInvalid(
            f"{path} cannot be written: {error.strerror or error}.",
            hint=f"It takes the right to write in {path.parent}; or change the file by hand.",
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Put new content into a file at once, without a moment in which it is half written."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if path.exists():
                _dress(descriptor, path.stat())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _dress(descriptor: int, before: os.stat_result) -> None:
    """Give a new file the owner, where that is allowed, and the mode of the one before: others may
    have to read it, such as a service.
    """
    with suppress(PermissionError):
        os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
