"""Asks before something is destroyed, where somebody is there to answer."""

import sys

import typer


def confirm(question: str, *, yes: bool, as_json: bool = False) -> None:
    """Ask in a terminal, and end the command unless the answer is yes; scripts are not asked."""
    if not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
        typer.confirm(question, abort=True)
