"""What the processor is called."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# x86 has the first one, some ARM boards the others
_KEYS = ("model name", "hardware", "cpu model")
_PATIENCE = 5.0


@cache
def processor() -> str:
    """Return the name its maker gave it, else its architecture; blocks for a moment."""
    return (_sysctl() if sys.platform == "darwin" else _linux(_CPUINFO)) or platform.machine()


def _linux(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    found = {key.strip().casefold(): value.strip() for key, _, value in pairs}
    return next((found[key] for key in _KEYS if found.get(key)), "")


def _sysctl() -> str:  # pragma: no cover  macOS alone has it
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
