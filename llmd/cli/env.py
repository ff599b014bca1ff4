"""`llmd env`: what programs that talk to OpenAI need to know to talk to this daemon."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from llmd.cli import options

_ANSWER_TIME = 5.0
_NO_KEY = "llmd"


class ShellChoice(StrEnum):
    """Whose way to set a variable."""

    SH = "sh"
    FISH = "fish"


def env(
    shell: Annotated[
        ShellChoice | None,
        typer.Option("--shell", help="Syntax of sh (bash, zsh) or fish; default: by $SHELL."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print variables that point OpenAI clients at this daemon, for the shell to set."""
    from llmd.cli import render

    root, mode = _here()
    values = {"OPENAI_BASE_URL": f"{root}/v1"}
    if mode == "open":
        values["OPENAI_API_KEY"] = _NO_KEY  # clients refuse to go without one
    if as_json:
        render.print_json(values)
        return
    for name, value in values.items():
        typer.echo(line(name, value, shell or used(os.environ.get("SHELL", ""))))
    if mode != "open":
        render.note("# OPENAI_API_KEY is yours to set: `llmd keys add` makes a key.")


def line(name: str, value: str, shell: ShellChoice) -> str:
    """Return a command that sets a variable."""
    if shell is ShellChoice.FISH:
        return f"set -gx {name} '{value}'"
    return f"export {name}='{value}'"


def used(path: str) -> ShellChoice:
    """Return whose syntax the shell at a path understands."""
    return ShellChoice.FISH if Path(path).name == "fish" else ShellChoice.SH


def _here() -> tuple[str, str]:
    """Return the address of the daemon, or the one it will have, and who may use it."""
    from llmd.cli.connect import client
    from llmd.client import address
    from llmd.config.paths import find_paths
    from llmd.config.store import load_settings
    from llmd.errors import DaemonUnreachable

    settings = load_settings(find_paths().config_file).settings
    mode = str(settings.security.mode)
    try:
        status = client(start=False, timeout=_ANSWER_TIME).get("/control/status")
    except DaemonUnreachable:
        return address.reachable(settings.server.host, settings.server.port), mode
    return address.local(status["address"]), mode
