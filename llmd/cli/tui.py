"""`llmd tui` and `llmd top`: the terminal interface."""

import os
import sys
from enum import StrEnum
from typing import IO, Annotated

import typer

from llmd.cli import options


class PageName(StrEnum):
    """A page to begin with."""

    DASHBOARD = "dashboard"
    MODELS = "models"
    CHAT = "chat"
    REQUESTS = "requests"
    LOGS = "logs"
    KEYS = "keys"


def tui(
    page: Annotated[
        PageName, typer.Argument(help="Page to begin with.", show_default=False)
    ] = PageName.DASHBOARD,
    start: options.AutoStart = True,
) -> None:
    """Open the terminal interface: dashboard, models, chat, requests, logs, keys."""
    _open(page, start=start)


def top(start: options.AutoStart = True) -> None:
    """Open the dashboard: what is loaded, how fast it is and what it takes."""
    _open(PageName.DASHBOARD, start=start)


def _open(page: PageName, *, start: bool) -> None:
    from llmd.errors import InvalidRequest

    if not all(stream.isatty() for stream in _streams()):
        raise InvalidRequest(
            "This needs a terminal.", hint="`llmd ps`, `llmd requests` and `llmd logs` do not."
        )
    from llmd.client import autostart
    from llmd.config.paths import find_paths

    paths = find_paths()
    if start and not autostart.forbidden(os.environ):
        autostart.ensure(paths)
    from llmd.tui.app import LlmdApp

    LlmdApp(paths, page=page.value).run()


def _streams() -> list[IO[str]]:
    """Return what must be a terminal: Textual draws on stderr."""
    return [sys.stdin, sys.stdout, sys.stderr]
