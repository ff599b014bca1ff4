"""Whether files that are wanted fit on the disk, asked before the first byte."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from llmd.errors import NoRoom
from llmd.models.sources.transfer.partial import waiting_size

SPARE = 64 * 2**20
"""Bytes that stay free."""


def check_room(what: str, wanted: Iterable[tuple[int, Path]], hint: str = "") -> None:
    """Raise NoRoom unless files of these sizes fit at these paths; what is there counts."""
    needed: dict[int, int] = defaultdict(int)
    places: dict[int, Path] = {}
    for size, target in wanted:
        folder = next(place for place in target.absolute().parents if place.exists())
        device = folder.stat().st_dev
        places.setdefault(device, folder)
        needed[device] += max(size - waiting_size(target), 0)
    for device, folder in places.items():
        free = shutil.disk_usage(folder).free
        if needed[device] and needed[device] + SPARE > free:
            raise NoRoom(
                f"{what} needs {needed[device] / 1e9:.1f} GB more on the disk of {folder}, "
                f"{free / 1e9:.1f} GB are free.",
                hint=hint or "Free some space, or take a smaller quantization.",
                needed=needed[device],
                available=free,
            )
