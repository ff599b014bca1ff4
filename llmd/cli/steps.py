"""What an installation does, as values: they can be shown, done, or printed as a shell script."""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llmd.errors import LlmdError

_PATIENCE = 120.0
"""Seconds; a stop may have to wait for running answers."""


class Write(NamedTuple):
    """A file is written, the whole of it."""

    path: Path
    text: str


class Delete(NamedTuple):
    """A file is deleted, if it is there."""

    path: Path


class Call(NamedTuple):
    """A command is run; what to do next if it fails."""

    command: tuple[str, ...]
    hint: str = ""


class StopDaemon(NamedTuple):
    """The daemon that runs is asked to stop; running answers may finish."""


Step = Write | Delete | Call | StopDaemon


def shown(step: Step) -> str:
    """Return a step in words."""
    match step:
        case Write(path=path):
            return f"write {path}"
        case Delete(path=path):
            return f"delete {path}"
        case Call(command=command):
            return f"run {shlex.join(command)}"
        case _:
            return "stop the daemon that runs now"


def perform(step: Step) -> None:
    """Do it; raise LlmdError when a command fails, OSError when a file cannot be written."""
    match step:
        case Write(path=path, text=text):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        case Delete(path=path):
            path.unlink(missing_ok=True)
        case Call(command=command, hint=hint):
            _succeed(command, hint)
        case _:
            _stop_daemon()


def script(steps: Sequence[Step]) -> str:
    """Return steps as a script for sh."""
    return "\n".join(["#!/bin/sh", "set -eu", *map(_as_shell, steps)]) + "\n"


def called(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run a command and return how it ended; raise LlmdError when it hangs or is not there."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LlmdError(f"`{shlex.join(command)}` could not be run: {error}.") from error


def _succeed(command: tuple[str, ...], hint: str) -> None:
    ended = called(command)
    if ended.returncode:
        said = " ".join(ended.stderr.split()).rstrip(".") or f"exit code {ended.returncode}"
        raise LlmdError(f"`{shlex.join(command)}` failed: {said}.", hint=hint)


def _stop_daemon() -> None:
    from llmd.cli.serve import halt
    from llmd.errors import DaemonUnreachable

    try:
        halt(now=False)
    except DaemonUnreachable:
        return  # it has ended by itself


def _as_shell(step: Step) -> str:
    match step:
        case Write(path=path, text=text):
            where = shlex.quote(str(path))
            folder = shlex.quote(str(path.parent))
            return f"mkdir -p {folder}\ncat > {where} <<'END_OF_FILE'\n{text}END_OF_FILE"
        case Delete(path=path):
            return f"rm -f {shlex.quote(str(path))}"
        case Call(command=command):
            return shlex.join(command)
        case _:
            return "llmd stop"
