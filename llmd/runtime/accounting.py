"""What the system counts of processes: their CPU time, and how many it ended for want of memory."""

from __future__ import annotations

from pathlib import Path

import psutil

_VMSTAT = Path("/proc/vmstat")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process have used; 0 where that is not told."""
    try:
        times = psutil.Process(pid).cpu_times()
    except (psutil.Error, OSError):
        return 0.0
    return float(times.user + times.system)


def oom_kills(vmstat: Path = _VMSTAT) -> int:
    """Return the processes that the out-of-memory killer ended since boot; 0 where the kernel does
    not tell.
    """
    try:
        lines = vmstat.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
