"""Whether the daemon sleeps: systemd holds its sockets and would start it for whoever connects.

A command that only looks (`llmd status`, completions) must not wake it, and connecting would.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from llmd.config.paths import Paths

_SYSTEM_WIDE = Path("/etc/systemd/user")
_ENABLED = Path("sockets.target.wants/llmd.socket")


def units_dir(environ: Mapping[str, str]) -> Path:
    """Return where systemd looks for the user's own units."""
    home = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "systemd" / "user"


def asleep(paths: Paths, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the user's systemd listens for a daemon that does not run."""
    folders = (units_dir(os.environ if environ is None else environ), _SYSTEM_WIDE)
    return any((folder / _ENABLED).is_symlink() for folder in folders) and not runs(paths)


def runs(paths: Paths) -> bool:
    """Whether the process that the lock names is there; nothing is said of its health."""
    try:
        # taking the lock to see would make a daemon that starts right now fail
        os.kill(int(paths.lock_file.read_text(encoding="ascii").split()[0]), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, IndexError):
        return False
    return True
