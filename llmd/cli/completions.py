"""Writes the shell completion files: `python -m llmd.cli.completions DIRECTORY`.

The files ask llmd itself for every completion, so they change only when Typer's way of asking does.
"""

import os
import subprocess
import sys
from pathlib import Path

FILES = {"bash": "llmd.bash", "zsh": "_llmd", "fish": "llmd.fish"}


def script(shell: str) -> str:
    """Return the completion script for a shell."""
    environment = {**os.environ, "_LLMD_COMPLETE": f"source_{shell}"}
    command = [sys.executable, "-m", "llmd"]
    text = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout
    return text.strip() + "\n"


def write(directory: Path) -> None:
    """Write the scripts of all shells, each under the name its shell looks for."""
    directory.mkdir(parents=True, exist_ok=True)
    for shell, name in FILES.items():
        (directory / name).write_text(script(shell), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
