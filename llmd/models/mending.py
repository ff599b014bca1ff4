"""Brings damaged and missing files of models back from where they came: the file becomes a download
that is complete but for the damage, and its source program finishes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from llmd.errors import LlmdError, NotFound
from llmd.models.catalog import Catalogue, wanted
from llmd.models.courier import Conditions, Courier, Say
from llmd.models.ordering import Order, ordered
from llmd.models.sources.lines import Fetched
from llmd.models.sources.transfer import journal, partial, pieces
from llmd.models.sources.transfer.journal import Identity, Journal, Known
from llmd.models.sources.transfer.spans import Spans
from llmd.models.store import ModelStore
from llmd.protocol.integrity import FileHealth, Health
from llmd.protocol.models import ModelManifest, PullProgress

_SNAPSHOT = re.compile(r"/models--[^/]+/snapshots/(?P<commit>[0-9a-f]{40})/")
_HUB = "huggingface"


class Mending:
    """Fetches what is damaged again, and of a file whose pieces are known only the damaged ones."""

    def __init__(self, store: ModelStore, conditions: Conditions) -> None:
        self._store = store
        self._conditions = conditions

    @property
    def records(self) -> Path:
        """The folder with what is known of the pieces of files."""
        return Path(self._conditions.terms.records)

    async def mend(self, model: ModelManifest, file: FileHealth) -> AsyncGenerator[PullProgress]:
        """Bring one file of a model back; a failure leaves it as it was, unless the server sends
        whole files only: then it is a download that is not complete.

        Raises NotFound when it cannot be fetched again, and what fetching raises.
        """
        order = await asyncio.to_thread(self._order, model, file)
        target = await asyncio.to_thread(lambda: Path(os.path.realpath(file.path)))
        opened = file.state is not Health.MISSING
        size = 0
        if opened:
            size = await asyncio.to_thread(reopen, target, file, self.records)

        async def finish(fetched: Fetched, say: Say) -> ModelManifest:  # noqa: ARG001  nothing is registered anew
            return model

        courier = Courier(order, self._conditions, finish)
        courier.adjust(None, now=True)
        try:
            async with aclosing(courier.watch()) as events:
                async for event in events:
                    if isinstance(event, PullProgress):
                        yield event
        finally:
            await courier.stop()
            if opened:
                await asyncio.shield(asyncio.to_thread(close, target, size))

    def _order(self, model: ModelManifest, file: FileHealth) -> Order:
        directory = self._store.directory
        hub = _SNAPSHOT.search(file.path)
        own = Path(os.path.realpath(file.path)).is_relative_to(os.path.realpath(directory))
        if not (hub or own) or "://" not in model.source or model.source.startswith("file://"):
            raise NotFound(
                f"{file.path} did not come by a download of llmd.",
                hint="Fetch it again with what brought it here.",
            )
        try:
            order = ordered(wanted(model.source, Catalogue(), ()), str(directory), draft=False)
        except LlmdError as error:
            raise NotFound(f"{model.source} names nothing that can be fetched.") from error
        if hub and order.source == _HUB:
            # the very revision, since the repository may have gone on
            repo, selector = order.arguments[:2]
            return Order(_HUB, (repo, selector, hub["commit"]), order.shown)
        return order


def reopen(target: Path, file: FileHealth, records: Path) -> int:
    """Make a file a download again that lacks the damage alone, or all of it where nobody knows
    what its pieces should be; return its size, which `close` wants. Raise LlmdError when it is
    being fetched already.
    """
    incomplete = target.with_name(target.name + partial.SUFFIX)
    if incomplete.exists():
        raise LlmdError(f"{target} is being fetched already.", hint="Wait for the download.")
    record = pieces.find(records, file.expected) if file.expected else None
    # of a file that cannot be read through the check tells no size
    spans, size = Spans(), file.size or target.stat().st_size
    if record:
        size = record.size
        spans.add(0, size)
        for start, end in file.damage:
            spans.remove(start, end)
    known = Known(Identity(size, file.expected), spans, dict(record.marks) if record else {})
    Journal(target.with_name(target.name + journal.SUFFIX), known).close()
    target.replace(incomplete)
    return size


def close(target: Path, size: int) -> None:
    """Give a file its name back if it is not mended and has kept its `size`."""
    incomplete = target.with_name(target.name + partial.SUFFIX)
    with contextlib.suppress(FileNotFoundError):
        if target.exists() or incomplete.stat().st_size < size:
            return
        incomplete.replace(target)
        target.with_name(target.name + journal.SUFFIX).unlink()
