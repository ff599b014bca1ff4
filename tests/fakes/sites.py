"""A site that models come from, without a network: stands in for the service that pulls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from llmd.errors import LlmdError, ModelNotFound
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest, PullProgress
from tests.fakes.gguf import write

SIZE = 1000


class Site:
    """Offers file types by the names they are pulled by; `hold` stops downloads half-way until it
    is set, or they are left.
    """

    def __init__(self, store: ModelStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self.offers: dict[str, int] = {}
        self.asked: list[str] = []
        self.left: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: LlmdError = ModelNotFound("The hub has no such file.", hint="It has others.")

    async def pull(
        self, name: str, limit: int | None = None, *, now: bool = False
    ) -> AsyncGenerator[PullProgress | ModelManifest]:
        self.asked.append(name)
        yield PullProgress(status="resolving", name=name)
        if name not in self.offers:
            raise self.error
        half = PullProgress(
            status="downloading", name=name, done=SIZE // 2, total=SIZE, rate=100.0, remaining=5.0
        )
        try:
            yield half
            await self.hold.wait()
        except BaseException:
            self.left.append(name)
            raise
        yield PullProgress(status="verifying", name=name, done=SIZE, total=SIZE)
        path = write(
            self._folder / f"{len(self.asked)}.gguf", {"general.file_type": self.offers[name]}
        )
        yield self._store.register(path, name, source=f"hf://{name.replace(':', '/')}")
