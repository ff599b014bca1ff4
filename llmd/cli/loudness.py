"""How much is said beside the result: `--quiet` and `--verbose`, before the command or after it."""

from collections.abc import Sequence
from contextvars import ContextVar
from enum import IntEnum


class Loudness(IntEnum):
    """What is said beside results and errors."""

    QUIET = 0
    """Nothing: no notes, no progress."""
    NORMAL = 1
    VERBOSE = 2
    """Also each call to the daemon, and how long it took."""


_WORDS = {"--quiet": Loudness.QUIET, "--verbose": Loudness.VERBOSE}
# one command line runs at a time, but tests run many in one process
_chosen: ContextVar[Loudness] = ContextVar("loudness", default=Loudness.NORMAL)


def choose(loudness: Loudness) -> None:
    """Say from now on as much as that."""
    _chosen.set(loudness)


def quiet() -> bool:
    """Whether notes are unwanted."""
    return _chosen.get() is Loudness.QUIET


def verbose() -> bool:
    """Whether calls are to be told."""
    return _chosen.get() is Loudness.VERBOSE


def obey(arguments: Sequence[str]) -> list[str]:
    """Return a command's arguments without the words that are for every command, which are obeyed;
    behind `--` stand no options.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for word in arguments[:end]:
        if word in _WORDS:
            choose(_WORDS[word])
    return [word for word in arguments[:end] if word not in _WORDS] + [*arguments[end:]]


def tell_call(call: str, seconds: float) -> None:
    """Say on stderr what the daemon was asked and how long it took to begin its answer."""
    import typer

    typer.echo(f"{call}: {1000 * seconds:.0f} ms", err=True)
