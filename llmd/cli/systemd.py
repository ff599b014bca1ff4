"""llmd under systemd: for one user, or for the whole machine."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llmd.cli.steps import Call, Delete, Step, StopDaemon, Write, called
from llmd.errors import LlmdError

SOCKET, SERVICE = "llmd.socket", "llmd.service"
_PROPERTIES = "Id,ActiveState,UnitFileState,MainPID"


class Systemd:
    """Plans what is to be done, and tells what there is; `files` are the wanted ones by path."""

    name = "systemd"

    def __init__(self, files: Mapping[Path, str], *, system: bool = False) -> None:
        self._files = files
        self._system = system
        self._systemctl = ("systemctl",) if system else ("systemctl", "--user")
        self._log = "journalctl -u llmd" if system else "journalctl --user -u llmd"

    def check(self) -> None:
        """Raise LlmdError when there is no systemd, or none that can be talked to."""
        if shutil.which("systemctl") is None:
            raise LlmdError(
                "This machine has no systemd.",
                hint="Have `llmd serve` run by what starts services here; commands of llmd start "
                "the daemon by themselves.",
            )
        answer = called((*self._systemctl, "show", "--property=Version"))
        if answer.returncode:
            raise LlmdError(
                f"systemd cannot be reached: {' '.join(answer.stderr.split()) or 'no answer'}.",
                hint=self._way_to_it(),
            )

    def _way_to_it(self) -> str:
        if self._system:
            return "Is this machine run by systemd?"
        if os.getuid() == 0:
            return "For root, `llmd service install --system` serves the whole machine."
        return (
            "Log in as this user itself, not by su or sudo, and in no container; or "
            "`loginctl enable-linger`, and set XDG_RUNTIME_DIR to /run/user/$(id -u)."
        )

    def install(self, *, at_login: bool, runs: bool) -> list[Step]:
        """Return what has to be done; nothing if all is as it should be. `runs`: a daemon does, so
        the addresses are not free unless it is the service's.
        """
        units = self._units()
        changed = [Write(*file) for file in self._files.items() if not _is(*file)]
        up = all(_enabled(units, name) and _is_up(units, name) for name in _wanted(at_login))
        if up and not changed and _enabled(units, SERVICE) == at_login:
            return []
        steps: list[Step] = list(changed)
        if changed:
            steps += self._told()
        if failed := [name for name in units if _state(units, name) == "failed"]:
            steps.append(self._systemctl_call("reset-failed", *failed))
        if changed and any(_is_up(units, name) for name in units):
            steps.append(self._systemctl_call("stop", SOCKET, SERVICE))
        elif runs and not _is_up(units, SERVICE):
            steps.append(StopDaemon())
        if _enabled(units, SERVICE) and not at_login:
            steps.append(self._systemctl_call("disable", SERVICE))
        return [*steps, *self._begun("start", at_login=at_login)]

    def _told(self) -> list[Step]:
        made = [Call(("systemd-sysusers",))] if self._system else []
        return [*made, self._systemctl_call("daemon-reload")]

    def _begun(self, how: str, *, at_login: bool) -> list[Step]:
        wanted = _wanted(at_login)
        why = (
            f"`{self._log}` may say why. If another program has the address: "
            "`llmd config set server.port PORT`, and install again."
        )
        return [
            self._systemctl_call("enable", *wanted),
            self._systemctl_call(how, *wanted, hint=why),
        ]

    def anew(self, *, at_login: bool) -> list[Step]:
        """Return all that an installation does, whatever there is."""
        writing = [Write(*file) for file in self._files.items()]
        return [*writing, *self._told(), *self._begun("restart", at_login=at_login)]

    def remove(self) -> list[Step]:
        """Return what takes the service away; nothing if there is none."""
        return self._removal([path for path in self._files if path.exists()])

    def removal(self) -> list[Step]:
        """Return all that a removal does, whatever there is."""
        return self._removal(list(self._files))

    def _removal(self, there: Sequence[Path]) -> list[Step]:
        if not there:
            return []
        units = [path.name for path in there if path.name in {SOCKET, SERVICE}]
        return [
            *([self._systemctl_call("disable", "--now", *units)] if units else []),
            *map(Delete, there),
            self._systemctl_call("daemon-reload"),
        ]

    def status(self) -> dict[str, Any]:
        """Return what there is, ready for JSON."""
        units = self._units()
        return {
            "manager": self.name,
            "scope": "system" if self._system else "user",
            "installed": all(path.exists() for path in self._files),
            "current": all(_is(*file) for file in self._files.items()),
            "files": [str(path) for path in self._files],
            "enabled": _enabled(units, SOCKET),
            "at_login": _enabled(units, SERVICE),
            "listening": _state(units, SOCKET) == "active",
            "running": _state(units, SERVICE) == "active",
            "state": _state(units, SERVICE),
            "pid": int(units.get(SERVICE, {}).get("MainPID") or 0) or None,
            "log": self._log,
        }

    def _units(self) -> dict[str, dict[str, str]]:
        """Return properties of both units by their names."""
        answer = called((*self._systemctl, "show", f"--property={_PROPERTIES}", SOCKET, SERVICE))
        blocks = (block.splitlines() for block in answer.stdout.split("\n\n"))
        found = [dict(line.split("=", 1) for line in block if "=" in line) for block in blocks]
        return {unit["Id"]: unit for unit in found if "Id" in unit}

    def _systemctl_call(self, *words: str, hint: str = "") -> Call:
        return Call((*self._systemctl, *words), hint)


def _is(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False


def _state(units: Mapping[str, Mapping[str, str]], name: str) -> str:
    return units.get(name, {}).get("ActiveState", "")


def _is_up(units: Mapping[str, Mapping[str, str]], name: str) -> bool:
    return _state(units, name) in {"active", "activating", "reloading"}


def _enabled(units: Mapping[str, Mapping[str, str]], name: str) -> bool:
    return units.get(name, {}).get("UnitFileState", "").startswith("enabled")


def _wanted(at_login: bool) -> tuple[str, ...]:
    return (SOCKET, SERVICE) if at_login else (SOCKET,)
