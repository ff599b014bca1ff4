"""Text that comes through standard input, and when to wait for it."""

import os
import select
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from llmd.cli import render
from llmd.errors import InvalidRequest

_INHERITED_WAIT = 1.0


def read_piped() -> str:
    """Return what is piped or redirected into the command, or an empty text; raise InvalidRequest
    for what is no text.

    A pipe that merely came down from the parent process (a service, a CI job, `docker exec -i`) may
    stay open and silent for ever: it gets a moment, then is left alone, with a note. `-` as the
    prompt waits for it in any case.
    """
    if sys.stdin is None or sys.stdin.closed:
        return ""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # not a real file, as in tests: it cannot block
        return read_all()
    if stat.S_ISREG(mode):
        return read_all()
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return ""
    if _inherited(descriptor) and not select.select([descriptor], [], [], _INHERITED_WAIT)[0]:
        render.note(
            "Standard input is open but silent and is not read; `-` as the prompt waits for it."
        )
        return ""
    return read_all()


def read_all() -> str:
    """Return standard input to its end; raise InvalidRequest for what is no text."""
    return "".join(lines())


def lines() -> Iterator[str]:
    """Yield the lines of standard input as they come, with their ends; raise InvalidRequest for
    what is no text.
    """
    if reconfigure := getattr(sys.stdin, "reconfigure", None):
        reconfigure(errors="strict")  # some locales have bytes stand in the text as surrogates
    try:
        for place, line in enumerate(sys.stdin):
            yield line if place else line.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"Standard input is no text in {error.encoding.upper()}.",
            hint="Convert it first: iconv -f LATIN1 -t UTF-8, with the encoding that it has.",
        ) from error


def _inherited(descriptor: int) -> bool:
    """Whether the parent process reads the same pipe; unknown (macOS) counts as no."""
    try:
        ours, parents = os.fstat(descriptor), Path(f"/proc/{os.getppid()}/fd/0").stat()
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (parents.st_dev, parents.st_ino)
