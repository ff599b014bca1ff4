"""A model's reasoning, dimmed above its answer on a terminal. What reads a pipe wants the answer
alone.
"""

import sys
from collections.abc import Callable

import typer

from llmd.tui.chat.plain import plain

Write = Callable[[str], object]


class Thoughts:
    """Where the reasoning of one answer is shown: any number of `feed`, one `close`."""

    def __init__(self, write: Write | None) -> None:
        """Show it with `write`; None: nowhere."""
        self._write = write
        self._open = False

    def feed(self, text: str) -> None:
        """Add text."""
        if self._write and text:
            self._open = True
            self._write(typer.style(plain(text), dim=True))

    def close(self) -> None:
        """Part it from what follows, if there was any."""
        if self._write and self._open:
            self._open = False
            self._write("\n\n")


def thoughts() -> Thoughts:
    """Return where reasoning is shown on this standard output."""
    return Thoughts(_write if sys.stdout.isatty() else None)


def _write(text: str) -> None:
    typer.echo(text, nl=False)  # which knows whether colours are welcome
