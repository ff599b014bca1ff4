"""Pictures from files to data URLs, as requests have them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llmd.errors import InvalidRequest
from llmd.protocol.pictures import KINDS, data_url, kind

_LARGEST = 64 * 1024 * 1024


def check(path: str) -> Path:
    """Return the whole path of a picture; raise InvalidRequest for what cannot be attached."""
    file = Path(path).expanduser().absolute()
    try:
        with file.open("rb") as opened:
            beginning = opened.read(12)
        size = file.stat().st_size
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path} cannot be read.", hint=_reason(error)) from error
    if not kind(beginning):
        raise InvalidRequest(f"{file.name} is no picture.", hint=f"Give {KINDS}.")
    if size > _LARGEST:
        raise InvalidRequest(f"{file.name} is too large for a request.", hint="Make it smaller.")
    return file


def load(paths: Iterable[str]) -> dict[str, str]:
    """Return data URLs by path; what cannot be read any more is left out."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            found[path] = data_url(check(path).read_bytes())
        except (InvalidRequest, OSError):
            continue
    return found


def _reason(error: Exception) -> str:
    return f"{error.strerror}." if isinstance(error, OSError) and error.strerror else ""
