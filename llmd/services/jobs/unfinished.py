"""Downloads that did not come to their end, in a file: a later daemon offers to go on with them,
since their bytes are still on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from llmd.services.jobs.orders import PullOrder

Orders = Sequence[PullOrder]


class Unfinished:
    """Reads the file once, and writes it whenever something changed; what cannot be read or written
    is not worth stopping for.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._written: list[PullOrder] = []
        self._writing: asyncio.Task[None] | None = None

    async def read(self) -> list[PullOrder]:
        """Return what an earlier daemon left."""
        self._written = await asyncio.to_thread(_read, self._file)
        return self._written

    def keep(self, orders: Callable[[], Orders]) -> None:
        """Have what `orders` returns written, soon; while writing goes on it is asked again."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write(orders))

    async def close(self) -> None:
        """Wait until all is written."""
        if self._writing:
            await asyncio.wait([self._writing])

    async def _write(self, orders: Callable[[], Orders]) -> None:
        while (wanted := [*orders()]) != self._written:
            self._written = wanted
            try:
                await asyncio.to_thread(_write, self._file, wanted)
            except OSError as error:
                structlog.get_logger("models").warning(
                    "unfinished downloads cannot be noted", reason=str(error)
                )


def _read(file: Path) -> list[PullOrder]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[PullOrder])
    except (OSError, msgspec.MsgspecError):
        return []


def _write(file: Path, orders: list[PullOrder]) -> None:
    if not orders:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as written:
        written.write(msgspec.json.encode(orders))
    try:
        Path(written.name).replace(file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(written.name).unlink()
