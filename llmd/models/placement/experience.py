"""Keeps what loads really took, by model, in one small file of the state directory.

A model is known by its file's path, size and time, so that a replaced file starts anew. The file is
bounded, replaced whole, and worth nothing when damaged: then it is begun again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from llmd.models.placement.correcting import Lesson

_MOST_MODELS = 100
_MOST_LESSONS = 6
_LARGEST = 4 * 2**20


class Memoir(msgspec.Struct, frozen=True):
    """What is kept of one model."""

    identity: str
    lessons: list[Lesson]
    """The latest last."""


class _Kept(msgspec.Struct, frozen=True):
    models: list[Memoir]
    """The latest last."""
    version: int = 1


class Experience:
    """All lessons; for any number of threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn = threading.Lock()
        self._kept: dict[str, list[Lesson]] | None = None

    def lessons(self, identity: str) -> Sequence[Lesson]:
        """Return what earlier loads of a model taught, the latest last."""
        return self._all().get(identity, [])

    def rate(self) -> float | None:
        """Return at how many bytes of weights a second models were loaded; None: none was."""
        rates = [
            sum(use.parts.weights for use in lesson.measured) / lesson.seconds
            for lessons in self._all().values()
            for lesson in lessons
            if lesson.seconds > 0
        ]
        return median(rates) if rates else None

    def learn(self, identity: str, lesson: Lesson) -> None:
        """Keep what a load taught, in place of an earlier one of the same shape; a file that cannot
        be written is passed over, since it helps and nothing more.
        """
        with self._turn:
            kept = dict(self._all())
            earlier = [one for one in kept.pop(identity, []) if one.shape != lesson.shape]
            kept[identity] = [*earlier, lesson][-_MOST_LESSONS:]
            while len(kept) > _MOST_MODELS:
                kept.pop(next(iter(kept)))
            self._kept = kept
            with contextlib.suppress(OSError):
                self._write(kept)

    def _all(self) -> dict[str, list[Lesson]]:
        if self._kept is None:
            self._kept = _read(self._file)
        return self._kept

    def _write(self, kept: dict[str, list[Lesson]]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        body = msgspec.json.encode(_Kept([Memoir(name, found) for name, found in kept.items()]))
        number, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        try:
            with os.fdopen(number, "wb") as out:
                out.write(body)
            Path(name).replace(self._file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def identity_of(path: Path) -> str:
    """Return what tells a model's file from another; raise OSError."""
    found = path.stat()
    return f"{path}|{found.st_size}|{found.st_mtime_ns}"


def _read(file: Path) -> dict[str, list[Lesson]]:
    try:
        with file.open("rb") as opened:
            body = opened.read(_LARGEST + 1)
        kept = msgspec.json.decode(body, type=_Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return {model.identity: list(model.lessons) for model in kept.models}
