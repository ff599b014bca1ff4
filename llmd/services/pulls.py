"""Downloads, as use cases: refuses new ones while the daemon drains."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from llmd.models.download import Downloads
from llmd.protocol.models import ModelManifest, PullProgress
from llmd.services.gate import Gate


class Pulls:
    """What `llmd pull` needs."""

    def __init__(self, downloads: Downloads, gate: Gate) -> None:
        self._downloads = downloads
        self._gate = gate

    async def pull(
        self, name: str, limit: int | None = None, *, now: bool = False
    ) -> AsyncGenerator[PullProgress | ModelManifest]:
        """Fetch and register a model: progress, then its manifest; see `Downloads.pull`. Closing
        leaves; the bytes on disk are kept.
        """
        with self._gate.enter():
            async with aclosing(self._downloads.pull(name, limit, now=now)) as events:
                async for event in events:
                    yield event
