"""`llmd completion`: the script that makes a shell complete llmd's commands, printed or put where
the shell looks for it.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ShellName(StrEnum):
    """A shell that can be taught."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[
        ShellName | None, typer.Argument(help="Which shell; default: by $SHELL.")
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Put the script where the shell looks for it.")
    ] = False,
) -> None:
    """Print the script that completes commands, options and names, or install it."""
    from llmd.cli.completions import script

    chosen = shell or _own_shell()
    text = script(chosen.value)
    if not install:
        typer.echo(text, nl=False)
        return
    target = place(chosen, Path.home())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    typer.echo(f"wrote {target}")
    typer.echo(_NEXT[chosen].format(folder=target.parent))


def place(shell: ShellName, home: Path) -> Path:
    """Return where a shell looks for a user's own completions."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return {
        ShellName.BASH: data / "bash-completion" / "completions" / "llmd",
        ShellName.ZSH: home / ".zfunc" / "_llmd",
        ShellName.FISH: config / "fish" / "completions" / "llmd.fish",
    }[shell]


_NEXT = {
    ShellName.BASH: "A new shell completes llmd, if the package bash-completion is there; "
    "without it, put this into ~/.bashrc: source {folder}/llmd",
    ShellName.ZSH: "Put this into ~/.zshrc, before compinit: fpath=({folder} $fpath)",
    ShellName.FISH: "A new shell completes llmd.",
}


def _own_shell() -> ShellName:
    from llmd.errors import InvalidRequest

    name = Path(os.environ.get("SHELL", "")).name
    if name not in set(ShellName):
        raise InvalidRequest(
            f"There is no completion for {name or 'an unknown shell'}.",
            hint="Name one that can be taught: bash, zsh or fish.",
        )
    return ShellName(name)
