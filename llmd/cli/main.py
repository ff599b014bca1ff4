"""One command line: the boundary where errors become messages and exit codes."""

import os
import sys

import typer

from llmd.cli import commands, loudness
from llmd.errors import DaemonUnreachable, LlmdError, ModelNotFound

FAILED = 1
UNREACHABLE = 3
NO_SUCH_MODEL = 4
INTERRUPTED = 130


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets a question mark, not a traceback
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    loudness.choose(loudness.Loudness.NORMAL)
    first = next(iter(arguments), "")
    app = commands.application(first if first in commands.names() else None)
    try:
        app(arguments, prog_name="llmd", color=_colour())
    except SystemExit as end:
        if _interrupted(end):
            return _flushed(INTERRUPTED)
        return _flushed(end.code if isinstance(end.code, int) else FAILED)
    except LlmdError as error:
        _report(str(error))
        return _flushed(exit_code(error))
    except OSError as error:
        _report(f"{error.strerror or error}: {error.filename}." if error.filename else f"{error}.")
        return _flushed(FAILED)
    except UnicodeError:
        _report("What was given is no text in UTF-8. Convert it first, as with iconv.")
        return _flushed(FAILED)
    return _flushed(0)


def _open_closed_streams() -> None:
    """Give streams that the shell closed (`>&-`) something to read and write; else the first socket
    would be taken for them.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  it stays open


def _interrupted(end: SystemExit) -> bool:
    """Whether Ctrl-C ended a question, which Typer reports as an answer of no."""
    aborted = end.__context__
    return isinstance(aborted, typer.Abort) and isinstance(aborted.__context__, KeyboardInterrupt)


def _colour() -> bool | None:
    """Return False where colours are unwelcome (no-color.org); None: terminals get them."""
    return False if os.environ.get("NO_COLOR") else None


def exit_code(error: LlmdError) -> int:
    """Return the exit code that tells scripts what kind of failure it was."""
    if isinstance(error, DaemonUnreachable):
        return UNREACHABLE
    return NO_SUCH_MODEL if isinstance(error, ModelNotFound) else FAILED


def _report(message: str) -> None:
    typer.echo(f"Error: {message}", err=True)


def _flushed(code: int) -> int:
    """Flush stdout; a reader that left early (`| head`) is no reason for a traceback at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or FAILED
    return code
