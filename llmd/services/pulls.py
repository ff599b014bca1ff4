"""Downloads, as use cases: refuses new ones while the daemon drains."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

from llmd.models.download import Downloads
from llmd.protocol.models import ModelManifest, Prospect, PullProgress
from llmd.services.gate import Gate


class Pulls:
    """What `llmd pull` needs."""

    def __init__(self, downloads: Downloads, gate: Gate) -> None:
        self._downloads = downloads
        self._gate = gate
        self._watching: dict[object, PullProgress] = {}

    async def pull(
        self, name: str, limit: int | None = None, *, called: str = "", now: bool = False
    ) -> AsyncGenerator[PullProgress | ModelManifest]:
        """Fetch and register a model: progress, then its manifest; see `Downloads.pull`. Closing
        leaves; the bytes on disk are kept.
        """
        watcher = object()
        with self._gate.enter(), self._noted(watcher) as note:
            pulled = self._downloads.pull(name, limit, called=called, now=now)
            async with aclosing(pulled) as events:
                async for event in events:
                    note(event)
                    yield event

    async def look(self, name: str) -> Prospect:
        """Return what a pull would fetch, without fetching; errors as `Downloads.look`."""
        with self._gate.enter():
            return await self._downloads.look(name)

    @contextmanager
    def _noted(self, watcher: object) -> Iterator[Callable[[PullProgress | ModelManifest], None]]:
        """Hand out what remembers how a download stands, until the watcher leaves."""

        def note(event: PullProgress | ModelManifest) -> None:
            if isinstance(event, PullProgress):
                self._watching[watcher] = event

        try:
            yield note
        finally:
            self._watching.pop(watcher, None)

    def under_way(self) -> list[PullProgress]:
        """Return how the downloads stand, one entry for each model; those that wait for their hours
        too.
        """
        by_name = {event.name: event for event in self._watching.values() if event.name}
        unnamed = [event for event in self._watching.values() if not event.name]
        return [*by_name.values(), *unnamed]
