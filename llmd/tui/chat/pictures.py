"""Pictures from files to data URLs, as requests have them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from llmd.errors import InvalidRequest

_LARGEST = 64 * 1024 * 1024
_KINDS = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"RIFF": "webp",
}


def kind(beginning: bytes) -> str:
    """Return what a file is, judging by its first twelve bytes; empty: no picture."""
    found = next((name for mark, name in _KINDS.items() if beginning.startswith(mark)), "")
    return "" if found == "webp" and beginning[8:12] != b"WEBP" else found


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
        hint = "PNG, JPEG, WebP, GIF and BMP are."
        raise InvalidRequest(f"{file.name} is no picture.", hint=hint)
    if size > _LARGEST:
        raise InvalidRequest(f"{file.name} is too large for a request.", hint="Make it smaller.")
    return file


def load(paths: Iterable[str]) -> dict[str, str]:
    """Return data URLs by path; what cannot be read any more is left out."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            data = check(path).read_bytes()
        except (InvalidRequest, OSError):
            continue
        found[path] = f"data:image/{kind(data[:12])};base64,{base64.b64encode(data).decode()}"
    return found


def _reason(error: Exception) -> str:
    return f"{error.strerror}." if isinstance(error, OSError) and error.strerror else ""
