"""Lines that were typed before, in the file that `llmd chat` keeps too (prompt_toolkit's form)."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_MOST = 2000


class Lines:
    """Goes back and forth through what was typed; what is being typed is the newest of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] | None = None
        self._back = 0
        self._draft = ""

    def add(self, text: str) -> None:
        """Remember a line; a file that cannot be written is forgotten with the program."""
        lines = self._read()
        self._back = 0
        if lines and lines[-1] == text:
            return
        lines.append(text)
        marked = "".join(f"+{line}\n" for line in text.split("\n"))
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # readable by its owner alone: what people tell a model is private
            flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
            with os.fdopen(os.open(self._path, flags, 0o600), "a", encoding="utf-8") as file:
                file.write(f"\n# {time.strftime('%Y-%m-%d %H:%M:%S')}\n{marked}")

    def older(self, shown: str) -> str | None:
        """Return the line before the one that is shown; None: there is none."""
        lines = self._read()
        if self._back >= len(lines):
            return None
        if self._back == 0:
            self._draft = shown
        self._back += 1
        return lines[-self._back]

    def newer(self) -> str | None:
        """Return the line after the one that is shown, at last what was being typed."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._read()[-self._back] if self._back else self._draft

    def rest(self) -> None:
        """Begin from the newest one again."""
        self._back = 0

    def _read(self) -> list[str]:
        if self._lines is None:
            try:
                text = self._path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""
            self._lines = parse(text)[-_MOST:]
        return self._lines


def parse(text: str) -> list[str]:
    """Return the lines of such a file, oldest first."""
    found: list[str] = []
    fresh = True
    for line in text.split("\n"):
        if not line.startswith("+"):
            fresh = True
        elif fresh:
            found.append(line[1:])
            fresh = False
        else:
            found[-1] += f"\n{line[1:]}"
    return found
