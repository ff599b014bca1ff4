"""Databases that are migrated already: copies of one that is made once per process."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from llmd.storage import Database


def database(folder: Path) -> Database:
    """Return a database in a folder; close it when it was used."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "llmd.db"
    if not path.exists():
        shutil.copyfile(_template(), path)
    return Database(path)


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="llmd-template-")) / "llmd.db"
    with ThreadPoolExecutor(1) as pool:  # a test's own loop may be running here
        pool.submit(asyncio.run, _make(path)).result()
    return path


async def _make(path: Path) -> None:
    made = Database(path)
    await made.open()
    await made.close()
