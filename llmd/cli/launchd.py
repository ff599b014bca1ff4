"""llmd under launchd, as an agent of the user."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from llmd.cli.steps import Call, Delete, Step, StopDaemon, Write, called
from llmd.cli.units import LABEL
from llmd.errors import LlmdError


class Launchd:
    """Plans what is to be done, and tells what there is; `text` is the wanted agent."""

    name = "launchd"

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{LABEL}"

    def check(self) -> None:
        """Raise LlmdError when there is no launchd, or no session of the user."""
        if shutil.which("launchctl") is None:
            raise LlmdError(
                "This machine has no launchd.",
                hint="Commands of llmd start the daemon by themselves.",
            )
        if called(("launchctl", "print", self._domain)).returncode:
            raise LlmdError(
                "This user has no session that launchd could run llmd in.",
                hint="Log in at the screen, and run it in a terminal there.",
            )

    def install(self, *, at_login: bool, runs: bool) -> list[Step]:
        """Return what has to be done; nothing if all is as it should be. An agent always starts
        with the session. `runs`: a daemon does, so the addresses are not free.
        """
        del at_login
        changed, loaded = not self._is_current(), self._printed() is not None
        if loaded and not changed:
            return []
        steps: list[Step] = [Write(self._path, self._text)] if changed else []
        if loaded:
            steps.append(Call(("launchctl", "bootout", self._target)))
        elif runs:
            steps.append(StopDaemon())
        return [*steps, *self._begun()]

    def anew(self, *, at_login: bool) -> list[Step]:
        """Return all that an installation does, whatever there is."""
        del at_login
        return [Write(self._path, self._text), *self._begun()]

    def _begun(self) -> list[Step]:
        hint = f"`plutil -lint '{self._path}'` and `log show --predicate 'process == \"launchd\"'`."
        return [
            Call(("launchctl", "enable", self._target)),
            Call(("launchctl", "bootstrap", self._domain, str(self._path)), hint),
        ]

    def remove(self) -> list[Step]:
        """Return what takes the service away; nothing if there is none."""
        loaded = self._printed() is not None
        ended = [Call(("launchctl", "bootout", self._target))] if loaded else []
        return [*ended, *([Delete(self._path)] if self._path.exists() else [])]

    def removal(self) -> list[Step]:
        """Return all that a removal does, whatever there is."""
        return [Call(("launchctl", "bootout", self._target)), Delete(self._path)]

    def status(self) -> dict[str, Any]:
        """Return what there is, ready for JSON."""
        printed = self._printed()
        pid = re.search(r"^\s*pid = (\d+)", printed or "", re.MULTILINE)
        return {
            "manager": self.name,
            "scope": "user",
            "installed": self._path.exists(),
            "current": self._is_current(),
            "files": [str(self._path)],
            "enabled": printed is not None,
            "at_login": printed is not None,
            "listening": pid is not None,
            "running": pid is not None,
            "state": "active" if pid else "inactive",
            "pid": int(pid[1]) if pid else None,
            "log": "llmd logs",
        }

    def _printed(self) -> str | None:
        """Return what launchd tells of the agent; None: it does not know it."""
        answer = called(("launchctl", "print", self._target))
        return None if answer.returncode else answer.stdout

    def _is_current(self) -> bool:
        try:
            return self._path.read_text(encoding="utf-8") == self._text
        except (OSError, UnicodeDecodeError):
            return False
