"""systemctl and launchctl as programs that keep what they are told in files, for tests without either."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

_PROGRAM = """#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
told = json.loads((folder / "answers.json").read_text())
words = sys.argv[1:]
with (folder / "calls").open("a") as calls:
    print(json.dumps([{name!r}, *words]), file=calls)
for start, (code, out, err) in told.items():
    if " ".join(words).startswith(start):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
"""


class FakeManager:
    """One program on a PATH of its own; answers are by how its arguments begin."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        folder.mkdir()
        program = folder / name
        program.write_text(
            _PROGRAM.format(python=sys.executable, folder=str(folder), name=name), encoding="utf-8"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.answers: dict[str, tuple[int, str, str]] = {}
        self.answer({})

    def answer(self, answers: dict[str, tuple[int, str, str]]) -> None:
        """Exit code, stdout and stderr for calls that begin so; others succeed in silence."""
        self.answers.update(answers)
        (self.folder / "answers.json").write_text(json.dumps(self.answers), encoding="utf-8")

    def calls(self) -> list[str]:
        """What it was asked to change so far, one line each."""
        file = self.folder / "calls"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        asked: list[list[Any]] = [json.loads(line) for line in lines]
        return [" ".join(words) for words in asked if not {"show", "print"} & set(words)]


def shown(**units: str) -> tuple[int, str, str]:
    """What `systemctl show` says of `socket` and `service`: `active enabled 12` each."""
    blocks = []
    for name in ("socket", "service"):
        active, enabled, pid = (units.get(name, "inactive disabled 0")).split()
        blocks.append(
            f"Id=llmd.{name}\nActiveState={active}\nUnitFileState={enabled}\nMainPID={pid}\n"
        )
    return (0, "\n".join(blocks), "")
