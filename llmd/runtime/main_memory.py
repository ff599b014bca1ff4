"""Main memory and what is free of it, within what a container or service may use.

`psutil` knows the machine; the limits of control groups, by which containers and systemd bound what
a daemon may take, stand in files. Page cache counts as free, as the kernel gives it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

GROUPS = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")
_FILES = {
    2: ("memory.max", "memory.current", ("inactive_file", "active_file")),
    1: (
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
}
"""By version of control groups: limit, use, and what of the use is page cache."""


@dataclass(frozen=True, slots=True)
class MainMemory:
    """Bytes."""

    total: int
    free: int


def main_memory(groups: Path = GROUPS, root: Path = ROOT) -> MainMemory:
    """Look now."""
    machine = psutil.virtual_memory()
    total, free = int(machine.total), int(machine.available)
    for limit, left in _limits(groups, root):
        total, free = min(total, limit), min(free, left)
    return MainMemory(total, max(0, free))


def _limits(groups: Path, root: Path) -> Iterator[tuple[int, int]]:
    """Yield the limit of each group around this process, and what is left of it."""
    for version, folder in control_groups(groups, root):
        limit_file, use_file, cached = _FILES[version]
        limit, use = _number(folder / limit_file), _number(folder / use_file)
        if limit is not None and use is not None:
            yield limit, limit - max(0, use - _cached(folder / "memory.stat", cached))


def control_groups(groups: Path = GROUPS, root: Path = ROOT) -> Iterator[tuple[int, Path]]:
    """Yield version and folder of the control groups around this process, the innermost first."""
    try:
        lines = groups.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            yield from ((2, folder) for folder in _upwards(root, path))
        elif "memory" in controllers.split(","):
            yield from ((1, folder) for folder in _upwards(root / "memory", path))


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """Yield the folder of a group and those around it; in a container the path may lead out of what
    is mounted, where nothing will be found.
    """
    folder = root / path.lstrip("/")
    yield folder
    while folder != root and root in folder.parents:
        folder = folder.parent
        yield folder


def _number(file: Path) -> int | None:
    """Return what a file says; None for no limit, or no file."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _cached(file: Path, names: tuple[str, ...]) -> int:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    found = dict(line.split(maxsplit=1) for line in lines if " " in line)
    return sum(int(found.get(name, "0")) for name in names)
