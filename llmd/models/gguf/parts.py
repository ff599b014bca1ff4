"""The files of a model: large ones come in parts, `NAME-00001-of-00003.gguf`, as llama.cpp's
gguf-split names them.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from llmd.errors import CorruptFile, NotFound

_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_NAMED_PARTS = 5


def parts(path: Path) -> tuple[Path, ...]:
    """Return all files of a split model, or the file alone; raise NotFound or CorruptFile naming
    what is missing.
    """
    check_readable(path)
    match = _PART.fullmatch(path.name)
    if match is None or int(match["count"]) <= 1:
        return (path,)
    if int(match["number"]) != 1:
        first = f"{match['stem']}-00001-of-{match['count']}.gguf"
        raise CorruptFile(
            f"{path} is part {int(match['number'])} of a split model.",
            hint=f"Name the first: {first}.",
        )
    width = range(1, int(match["count"]) + 1)
    files = tuple(
        path.with_name(f"{match['stem']}-{number:05}-of-{match['count']}.gguf") for number in width
    )
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        more = len(missing) - _NAMED_PARTS
        shown = ", ".join(missing[:_NAMED_PARTS]) + (f" and {more} more" if more > 0 else "")
        raise CorruptFile(
            f"{path} is one of {len(files)} parts; {shown} not found beside it.",
            hint="Fetch all parts.",
        )
    return files


def check_readable(path: Path) -> None:
    """Raise NotFound, saying why, when there is no file that can be read."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(mode):
        raise NotFound(f"{path} is not a file.", hint="Name a GGUF file.")
    if not os.access(path, os.R_OK):
        raise NotFound(f"{path} cannot be read: permission denied.")
