"""All downloads of a daemon: who asks for the same model joins, and what goes with a model comes
along.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import msgspec
import structlog

from llmd.config.settings import DownloadSettings
from llmd.errors import InvalidRequest, LlmdError, ModelNotFound, NoRoom
from llmd.models.catalog import Catalogue, wanted
from llmd.models.child import running
from llmd.models.courier import Conditions, Courier, PullEvent, Say
from llmd.models.leftovers import drop_abandoned, places
from llmd.models.names import check_name
from llmd.models.ordering import Order, ordered
from llmd.models.pacing import Pacing
from llmd.models.registration import name_of, register
from llmd.models.sources.lines import Fetched, Named, Progress, Terms
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest, Prospect, PullProgress

RECORDS = "pieces"
"""Folder in the models' directory for the digests of pieces."""
_TIDY_EVERY = 3600.0


class Downloads:
    """Starts, joins and stops downloads."""

    def __init__(
        self,
        store: ModelStore,
        catalogue: Catalogue | None = None,
        settings: DownloadSettings | None = None,
    ) -> None:
        settings = settings or DownloadSettings()
        self._store = store
        self._catalogue = catalogue or Catalogue()
        self._running: dict[Order, Courier] = {}
        self._keep_partials = float(settings.keep_partials)
        self._tidy_at = 0.0
        self._conditions = Conditions(
            pacing=Pacing(int(settings.rate_limit)),
            hours=settings.hours,
            terms=Terms(
                connections=settings.connections,
                stall_timeout=float(settings.stall_timeout),
                records=str(store.directory / RECORDS),
            ),
        )

    @property
    def conditions(self) -> Conditions:
        """What holds for all downloads."""
        return self._conditions

    async def pull(
        self,
        name: str,
        limit: int | None = None,
        *,
        called: str = "",
        now: bool = False,
        draft: bool = True,
    ) -> AsyncGenerator[PullEvent]:
        """Fetch a model and register it, perhaps as `called`: progress, then the manifest.

        `limit` is in bytes per second, for this download alone (0: none; None: as it is when it
        runs already); `now` does not wait for the hours; without `draft` the model that drafts for
        it stays away.

        Closing leaves; the download stops when the last one leaves, and what has come is kept for
        the next attempt. Raises InvalidRequest, ModelNotFound, AccessDenied, NoRoom,
        DownloadFailed, CorruptFile, UnsupportedArchitecture, NameTaken.
        """
        order = await asyncio.to_thread(self._prepared, name, draft, called)
        if isinstance(order, ModelManifest):
            yield PullProgress(status="done", name=order.name, done=order.size, total=order.size)
            yield order
            return
        courier = self._running.get(order)
        if courier is None or not courier.joinable:
            courier = self._running[order] = self._courier(order)
        courier.adjust(limit, now=now)
        try:
            async with aclosing(courier.watch()) as events:
                async for event in events:
                    yield event
        finally:
            await courier.leave_if_alone()
            if not courier.joinable and self._running.get(order) is courier:
                del self._running[order]

    async def look(self, name: str) -> Prospect:
        """Return what a pull would fetch, and fetch nothing; what is registered under the name
        already is no news.

        Raises InvalidRequest, ModelNotFound, AccessDenied, DownloadFailed.
        """
        order = await asyncio.to_thread(self._prepared, name, False)  # noqa: FBT003  to_thread
        if isinstance(order, ModelManifest):
            return Prospect(name=order.name, size=order.size, here=order.size)
        terms = msgspec.structs.replace(self._conditions.terms, look=True)
        found = Prospect(name=order.shown)
        try:
            async with running(
                f"llmd.models.sources.{order.source}", *order.arguments, terms=terms
            ) as lines:
                async for line in lines:
                    if isinstance(line, Fetched):  # another tool has all of it
                        size = await asyncio.to_thread(_size, line)
                        return Prospect(name=order.shown, size=size, here=size)
                    if isinstance(line, Progress) and line.status == "found":
                        found = Prospect(name=order.shown, size=line.total, here=line.done)
                    if isinstance(line, Progress) and line.status == "room":
                        return found
        except NoRoom as error:
            return msgspec.structs.replace(found, problem=str(error))
        raise AssertionError("a source ends with a result or raises")

    async def close(self) -> None:
        """Stop all; what has come is kept."""
        await asyncio.gather(*(courier.stop() for courier in list(self._running.values())))

    def _prepared(self, name: str, draft: bool, called: str = "") -> Order | ModelManifest:  # noqa: FBT001  to_thread passes no keywords on
        now = time.time()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY
            drop_abandoned(places(self._store.directory), now, self._keep_partials)
        order = self._order(name, draft=draft)
        if not called:
            return order
        if isinstance(order, ModelManifest):
            raise InvalidRequest(
                f"{order.name} is here already.",
                hint=f"Give it a second name: llmd cp {order.name} {called}.",
                param="called",
            )
        return replace(order, name=check_name(called))

    def _order(self, name: str, *, draft: bool) -> Order | ModelManifest:
        """Return what to fetch, or a model that is there under a name of its own, such as the
        built-in one.
        """
        try:
            found = wanted(name, self._catalogue, (model.name for model in self._store.list()))
        except ModelNotFound as unknown:
            try:
                return self._store.get(name)
            except ModelNotFound:
                raise unknown from None
        return ordered(found, str(self._store.directory), draft=draft)

    def _courier(self, order: Order) -> Courier:
        async def finish(fetched: Fetched, say: Say) -> ModelManifest:
            return await self._registered(order, fetched, say)

        async def accept(named: Named) -> None:
            name = order.name or named.name
            await asyncio.to_thread(self._store.check_free, name, named.source, named.path)

        return Courier(order, self._conditions, finish, accept)

    async def _registered(self, order: Order, fetched: Fetched, say: Say) -> ModelManifest:
        name = name_of(order, fetched)
        size = await asyncio.to_thread(_size, fetched)
        say(PullProgress(status="registering", name=name, done=size, total=size))
        manifest = await asyncio.to_thread(register, self._store, order, fetched)
        if order.draft:
            manifest = await self._with_draft(manifest, order.draft, say)
        say(PullProgress(status="done", name=name, done=manifest.size, total=manifest.size))
        return manifest

    async def _with_draft(self, model: ModelManifest, alias: str, say: Say) -> ModelManifest:
        """Fetch the model that drafts for another one and say so in its manifest; without it the
        other one works all the same.
        """
        draft = None
        try:
            async with aclosing(self.pull(alias, draft=False)) as events:
                async for event in events:
                    if isinstance(event, ModelManifest):
                        draft = event
                    else:
                        say(event)
        except LlmdError as error:
            structlog.get_logger("models").warning(
                "a draft model could not be fetched", model=model.name, reason=str(error)
            )
        if draft is None:
            return model
        name = draft.name
        return await asyncio.to_thread(
            self._store.change,
            model.name,
            lambda found: msgspec.structs.replace(found, draft=found.draft or name),
        )


def _size(fetched: Fetched) -> int:
    return sum(Path(path).stat().st_size for path in fetched.files)
