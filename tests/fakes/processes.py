"""Looks for child processes by the module they run."""

from __future__ import annotations

import contextlib
import os

import psutil


def running(module: str, parent: int | None = None) -> list[psutil.Process]:
    """Return the children of a process (this one by default) that run a module; those that ended
    meanwhile are passed over.
    """
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(parent or os.getpid()).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if module in child.cmdline():
                    found.append(child)
    return found
