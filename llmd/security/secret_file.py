"""The secret that signs tokens: random bytes in a file of mode 0600, made when it is first needed.

Whoever reads it can be anybody, so a file that others may write is not trusted, and one that they
may read is closed to them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

from llmd.errors import ConfigInvalid

_BYTES = 64
_FEWEST = 32


def load_secret(path: Path) -> bytes:
    """Return the secret, made at the first call; raise ConfigInvalid when it cannot be had. Reads
    the disk.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read(path)
        _make(path)
        return _read(path)
    except OSError as error:
        raise ConfigInvalid(
            f"The secret {path} that signs tokens cannot be had: {error.strerror or error}.",
            hint="Make its directory yours, and writable.",
        ) from error


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if info.st_uid != os.getuid() or stat.S_IMODE(info.st_mode) & 0o022:
            raise ConfigInvalid(
                f"Others may write the secret {path}.",
                hint="Delete it: a new one is made, and everybody logs in again.",
            )
        if stat.S_IMODE(info.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
        secret = file.read()
    if len(secret) < _FEWEST:
        raise ConfigInvalid(
            f"The secret {path} is too short.",
            hint="Delete it: a new one is made, and everybody logs in again.",
        )
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # NamedTemporaryFile has mode 0600; the link appears with its content, or not at all
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=path.name) as file:
        file.write(secrets.token_bytes(_BYTES))
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
