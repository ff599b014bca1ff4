"""The folder of manifests: reads what changed, knows what is damaged, and lets one process at a
time change it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from llmd.models import manifest
from llmd.protocol.models import ModelManifest

_LOCK = ".lock"
_Signature = tuple[int, int, int]
_Known = tuple[_Signature, "ModelManifest | Damaged"]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record that cannot be read, and why."""

    path: Path
    reason: str


class Records:
    """The records in `directory`, which other processes may change at any time. May be used from
    several threads.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._known: dict[str, _Known] = {}
        self._lock = threading.RLock()
        self._changers = 0
        self._log = structlog.get_logger("models")

    def models(self) -> list[ModelManifest]:
        """Return all that can be read, in no order."""
        return [found for found in self._scan() if isinstance(found, ModelManifest)]

    def damaged(self) -> list[Damaged]:
        """Return those that cannot."""
        return [found for found in self._scan() if isinstance(found, Damaged)]

    def named(self, name: str) -> ModelManifest | None:
        """Return the model of exactly this name without looking at the others."""
        path = manifest.record_path(self.directory, name)
        try:
            status = path.stat()
        except (OSError, ValueError):  # too long, or with a NUL: nothing is named so
            return None
        with self._lock:
            found = self._read(path.name, _signature(status))
        return found if isinstance(found, ModelManifest) else None

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Keep other threads and processes from changing anything."""
        with self._lock:
            if self._changers:
                yield
                return
            with _locked(self.directory / _LOCK):
                self._changers += 1
                try:
                    yield
                finally:
                    self._changers -= 1

    def mentioned(self, file: str) -> bool:
        """Whether a damaged record holds the path of a file, which then must not be deleted."""
        return any(_holds(damaged.path, file) for damaged in self.damaged())

    def _scan(self) -> list[ModelManifest | Damaged]:
        with self._lock:
            listed = _listed(self.directory)
            found = [self._read(name, signature) for name, signature in listed.items()]
            for name in self._known.keys() - listed.keys():
                del self._known[name]
        return [record for record in found if record is not None]

    def _read(self, name: str, signature: _Signature) -> ModelManifest | Damaged | None:
        known = self._known.get(name)
        if known and known[0] == signature:
            return known[1]
        path = self.directory / name
        record: ModelManifest | Damaged
        try:
            record = manifest.read(path)
        except FileNotFoundError:
            return None
        except manifest.DamagedManifest as error:
            self._log.warning(
                "a damaged manifest is passed over", path=str(path), reason=str(error)
            )
            record = Damaged(path, str(error))
        self._known[name] = (signature, record)
        return record


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # some network file systems know no locks; changes are whole or absent there all the same
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _listed(directory: Path) -> dict[str, _Signature]:
    found: dict[str, _Signature] = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.name.endswith(manifest.SUFFIX) or entry.name.startswith("."):
                    continue
                with contextlib.suppress(FileNotFoundError):  # removed this very moment
                    found[entry.name] = _signature(entry.stat())
    except FileNotFoundError:  # no model was ever registered
        return found
    return found


def _signature(status: os.stat_result) -> _Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _holds(record: Path, file: str) -> bool:
    try:
        return os.fsencode(file) in record.read_bytes()
    except OSError:
        return True
