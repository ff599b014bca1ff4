"""Downloads in progress: each is one child process, watched by all who asked for that model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from llmd.errors import (
    CorruptFile,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    UnsupportedArchitecture,
)
from llmd.models import catalog, files, projectors
from llmd.models.child import running
from llmd.models.names import AliasReference, HubReference, PathReference, near_misses, parse
from llmd.models.rate import Rate
from llmd.models.sources.lines import Fetched
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest, PullProgress

_SOURCE = "llmd.models.sources.huggingface"

PullEvent = PullProgress | ModelManifest


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch, and the local name where that is settled beforehand."""

    repo: str
    selector: str
    name: str = ""


class Downloads:
    """Starts, joins and stops downloads."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._running: dict[Order, _Download] = {}

    async def pull(self, name: str) -> AsyncGenerator[PullEvent]:
        """Fetch a model and register it: progress, then the manifest.

        Closing leaves; the download stops when the last one leaves, and what has come is kept for
        the next attempt. Raises InvalidRequest, ModelNotFound, AccessDenied, NoRoom,
        DownloadFailed, CorruptFile, UnsupportedArchitecture, NameTaken.
        """
        order = await asyncio.to_thread(self._order, name)
        if isinstance(order, ModelManifest):
            yield PullProgress(status="done", name=order.name, done=order.size, total=order.size)
            yield order
            return
        download = self._running.get(order)
        if download is None or not download.joinable:
            download = self._running[order] = _Download(order, self._store)
        try:
            async with aclosing(download.watch()) as events:
                async for event in events:
                    yield event
        finally:
            await download.leave_if_alone()
            if not download.joinable and self._running.get(order) is download:
                del self._running[order]

    async def close(self) -> None:
        """Stop all; what has come is kept."""
        await asyncio.gather(*(download.stop() for download in list(self._running.values())))

    def _order(self, name: str) -> Order | ModelManifest:
        reference = parse(name)
        match reference:
            case PathReference(path):
                raise InvalidRequest(
                    f"{path} is a file on this machine.",
                    hint=f"Register it: llmd import {path}.",
                    param="name",
                )
            case HubReference(repo, selector):
                return Order(repo, selector)
            case AliasReference(alias, quantization):
                return self._from_catalog(name, alias, quantization)

    def _from_catalog(self, name: str, alias: str, quantization: str) -> Order | ModelManifest:
        entry = catalog.find(alias)
        if entry is None:
            return self._registered(name)
        if not quantization or quantization.casefold() == entry.quantization.casefold():
            return Order(entry.repo, entry.quantization, entry.alias)
        return Order(entry.repo, quantization, f"{entry.alias}:{quantization.upper()}")

    def _registered(self, name: str) -> ModelManifest:
        """Return a model that is there under a name of its own, such as the built-in one."""
        try:
            return self._store.get(name)
        except ModelNotFound:
            near = near_misses(name, catalog.entries())
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            raise ModelNotFound(
                f"The catalogue has no {name}.",
                hint=f"{hint}Any GGUF repository of the hub can be named as OWNER/REPO.",
                param="name",
                suggestions=near,
            ) from None


class _Download:
    """One child process and those who watch it."""

    def __init__(self, order: Order, store: ModelStore) -> None:
        self._order = order
        self._store = store
        self._rate = Rate()
        self._latest = PullProgress(status="resolving", name=order.name or order.repo)
        self._watchers: set[asyncio.Event] = set()
        self._stopping = False
        self._task = asyncio.ensure_future(self._run())
        self._task.add_done_callback(lambda _: self._wake())

    @property
    def joinable(self) -> bool:
        """Whether it still works on the model."""
        return not (self._stopping or self._task.done())

    async def watch(self) -> AsyncGenerator[PullEvent]:
        """Yield the present state, each new one (the slow miss some), at last the manifest."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            yield self._latest
            while not self._task.done():
                await changed.wait()
                changed.clear()
                if not self._task.done():
                    yield self._latest
            manifest = self._outcome()
            yield self._latest
            yield manifest
        finally:
            self._watchers.discard(changed)

    async def leave_if_alone(self) -> None:
        """Stop the child when nobody watches."""
        if not self._watchers:
            await self.stop()

    async def stop(self) -> None:
        """Kill the child and wait until it is gone."""
        self._stopping = True
        self._task.cancel()
        await asyncio.wait([self._task])

    def _outcome(self) -> ModelManifest:
        if self._task.cancelled():
            raise LlmdError(
                "The download was stopped.", hint="What has come is kept; pull again to go on."
            )
        return self._task.result()

    def _wake(self) -> None:
        if not self._task.cancelled():
            self._task.exception()  # it may be that nobody is left to hear of it
        for watcher in self._watchers:
            watcher.set()

    def _say(self, progress: PullProgress) -> None:
        self._latest = progress
        for watcher in self._watchers:
            watcher.set()

    async def _run(self) -> ModelManifest:
        async with running(_SOURCE, self._order.repo, self._order.selector) as lines:
            async for line in lines:
                if isinstance(line, Fetched):
                    return await self._register(line)
                name = self._order.name or self._order.repo
                rate = (
                    self._rate.add(time.monotonic(), line.done)
                    if line.status == "downloading"
                    else 0.0
                )
                self._say(
                    PullProgress(
                        status=line.status,
                        name=name,
                        file=line.file,
                        done=line.done,
                        total=line.total,
                        rate=rate,
                    )
                )
        raise AssertionError("a source ends with a result or raises")

    async def _register(self, fetched: Fetched) -> ModelManifest:
        name = self._order.name or f"{fetched.repo}:{fetched.selector}"
        self._say(
            PullProgress(
                status="registering", name=name, done=self._latest.done, total=self._latest.total
            )
        )
        manifest = await asyncio.to_thread(self._register_now, name, fetched)
        self._say(PullProgress(status="done", name=name, done=manifest.size, total=manifest.size))
        return manifest

    def _register_now(self, name: str, fetched: Fetched) -> ModelManifest:
        paths = [Path(path) for path in fetched.files]
        source = f"hf://{fetched.repo}/{_within_snapshot(paths[0], fetched.revision)}"
        register = partial(self._store.register, paths[0], name, source, owned=fetched.fresh)
        try:
            return register(projector=fetched.projector or None)
        except InvalidRequest as error:
            if error.param != "projector":
                raise
            # a projector that does not fit is no reason to refuse the model
            structlog.get_logger("models").warning(
                "a fetched projector is left out", name=name, reason=str(error)
            )
            return register(projector=projectors.NONE)
        except (CorruptFile, UnsupportedArchitecture) as error:
            structlog.get_logger("models").warning(
                "a fetched model is refused", name=name, reason=str(error)
            )
            if fetched.fresh:
                files.delete(paths)
            raise


def _within_snapshot(path: Path, revision: str) -> str:
    """Return a file's name within its repository."""
    _, found, name = path.as_posix().rpartition(f"/snapshots/{revision}/")
    return name if found else path.name
