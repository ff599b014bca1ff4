"""What somebody chose in the interface, kept in the state directory."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered."""

    theme: str = ""
    """Name of a theme; empty: the usual one."""


def read(path: Path) -> Choices:
    """Return what was kept; a file that cannot be read counts as none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Choices)
    except (OSError, msgspec.MsgspecError):
        return Choices()


def write(path: Path, choices: Choices) -> None:
    """Keep choices; where that cannot be, they last until the end."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        spare = path.with_name(f"{path.name}.new")
        spare.write_bytes(msgspec.json.encode(choices))
        spare.replace(path)
