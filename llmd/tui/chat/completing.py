"""How a command that is being typed may go on."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from llmd.tui.chat.commands import COMMANDS

_FILES = {
    "/image": (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"),
    "/file": (),
    "/save": (),
    "/load": (".json",),
    "/tools": (".json",),
}
_LOOKED_AT = 5000


def suggestion(text: str, models: Sequence[str]) -> str:
    """Return what would complete the text; empty: nothing that is known."""
    word, space, rest = text.partition(" ")
    if not word.startswith("/") or "\n" in text:
        return ""
    if not space:
        return _rest(word, COMMANDS) if len(word) > 1 else ""
    if word == "/model":
        return _rest(rest, models) if rest else ""
    return path(rest, _FILES[word]) if word in _FILES and rest else ""


def _rest(begun: str, known: Iterable[str]) -> str:
    return next((name[len(begun) :] for name in known if name.startswith(begun)), "")


def path(begun: str, endings: Sequence[str] = ()) -> str:
    """Return how a path goes on: to the first folder, or file with one of the endings, that fits;
    with no endings any file does.
    """
    folder, name = os.path.split(begun)
    found: list[str] = []
    with suppress(OSError, RuntimeError, ValueError):
        found = [
            entry.name + "/" * entry.is_dir()
            for entry in _entries(folder)
            if _fits(entry, name, endings)
        ]
    return min(found)[len(name) :] if found else ""


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(Path(folder or ".").expanduser()) as entries:
        return list(itertools.islice(entries, _LOOKED_AT))


def _fits(entry: os.DirEntry[str], name: str, endings: Sequence[str]) -> bool:
    hidden = entry.name.startswith(".") and not name.startswith(".")
    if hidden or not entry.name.startswith(name) or not entry.name.isprintable():
        return False
    return entry.is_dir() or not endings or entry.name.lower().endswith(tuple(endings))
