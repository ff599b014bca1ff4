"""`llmd logs`: the daemon's log file, read directly, so that it works when the daemon does not."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

_POLL = 0.2


def logs(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the last lines to show.")
    ] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines are written.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the lines as they are, JSON.")
    ] = False,
) -> None:
    """Show the daemon's log."""
    from llmd.config.paths import find_paths
    from llmd.errors import NotFound
    from llmd.telemetry.log_file import entry, tail

    path = find_paths().log_file
    if not path.exists() and not follow:
        raise NotFound(
            f"There is no log yet at {path}.", hint="The daemon writes it: `llmd start`."
        )
    shown = tail(path, lines)
    for line in shown.lines:
        typer.echo(line if as_json else entry(line).text)
    if follow:
        for line in grow(path, shown.end, time.sleep):
            typer.echo(line if as_json else entry(line).text)
            sys.stdout.flush()


def grow(path: Path, end: tuple[int, int], wait: Callable[[float], object]) -> Iterator[str]:
    """Yield lines as they are written after `end` (inode and offset), for ever, rotation
    included.
    """
    from llmd.telemetry.log_file import Follower

    follower = Follower(path, end)
    try:
        while True:
            yield from follower.read()
            wait(_POLL)
    finally:
        follower.close()
