"""Answers prompts and makes embeddings: finds the model, runs the request, keeps the figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from llmd.errors import InvalidRequest, LlmdError
from llmd.models.store import ModelStore
from llmd.protocol.events import Delta, Embeddings, Event, Finished
from llmd.protocol.models import Kind, ModelManifest
from llmd.protocol.requests import EmbedRequest, GenerateRequest
from llmd.runtime.replay import Replay
from llmd.services.gate import Gate
from llmd.telemetry.metrics import Metrics

Indexed = tuple[int, Event]


class Defaults:
    """Which model answers when a request names none."""

    def __init__(self, store: ModelStore, chat: str, embedding: str) -> None:
        self._store = store
        self._names = {Kind.CHAT: chat, Kind.EMBEDDING: embedding}

    def resolve(self, name: str | None, kind: Kind) -> ModelManifest:
        """Return the named model, or the default of its kind; raise ModelNotFound."""
        wanted = name if name not in {None, "", "default"} else self._names[kind]
        return self._store.get(wanted) if wanted else self._store.default(kind)


class Generation:
    """The two things a model does."""

    def __init__(self, defaults: Defaults, replay: Replay, gate: Gate, metrics: Metrics) -> None:
        self._defaults = defaults
        self._replay = replay
        self._gate = gate
        self._metrics = metrics

    def resolve(self, name: str | None, kind: Kind = Kind.CHAT) -> ModelManifest:
        """Return the model a request means; raise ModelNotFound, or InvalidRequest when it cannot
        do this.
        """
        manifest = self._defaults.resolve(name, kind)
        if kind is Kind.CHAT and manifest.kind is Kind.EMBEDDING:
            raise InvalidRequest(
                f"{manifest.name} is an embedding model; it cannot generate text.",
                hint="Use it with /v1/embeddings, or name a chat model.",
                param="model",
            )
        return manifest

    async def stream(
        self, model: ModelManifest, requests: Sequence[GenerateRequest]
    ) -> AsyncGenerator[Indexed]:
        """Answer several prompts at once; yield (index of the prompt, event). The first failure
        ends all.
        """
        with self._gate.enter():
            streams = [self._one(model, request) for request in requests]
            if len(streams) == 1:
                async with aclosing(streams[0]) as events:
                    async for event in events:
                        yield 0, event
                return
            async with aclosing(_merge(streams)) as merged:
                async for indexed in merged:
                    yield indexed

    async def embed(self, model: ModelManifest, request: EmbedRequest) -> Embeddings:
        """Embed inputs."""
        with self._gate.enter():
            result = await self._replay.embed(model, request)
        self._metrics.tokens.labels(model.name, "prompt").inc(result.tokens)
        return result

    async def _one(self, model: ModelManifest, request: GenerateRequest) -> AsyncGenerator[Event]:
        started = time.monotonic()
        first = True
        outcome = "cancelled"
        try:
            async with aclosing(self._replay.generate(model, request)) as events:
                async for event in events:
                    if isinstance(event, Delta) and first:
                        first = False
                        self._metrics.first_token_seconds.labels(model.name).observe(
                            time.monotonic() - started
                        )
                    elif isinstance(event, Finished):
                        outcome = str(event.reason)
                        self._count(model, event, time.monotonic() - started)
                    yield event
        except LlmdError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.requests.labels(outcome).inc()

    def _count(self, model: ModelManifest, finished: Finished, seconds: float) -> None:
        self._metrics.inference_seconds.labels(model.name).observe(seconds)
        self._metrics.tokens.labels(model.name, "prompt").inc(finished.usage.prompt_tokens)
        self._metrics.tokens.labels(model.name, "completion").inc(finished.usage.completion_tokens)


async def _merge(streams: Sequence[AsyncGenerator[Event]]) -> AsyncGenerator[Indexed]:
    """Interleave several streams as their events come; the first failure cancels the others."""
    arrived: asyncio.Queue[tuple[int, Event | LlmdError | None]] = asyncio.Queue(
        maxsize=len(streams)
    )

    async def forward(index: int, stream: AsyncGenerator[Event]) -> None:
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    await arrived.put((index, event))
            await arrived.put((index, None))
        except LlmdError as error:
            await arrived.put((index, error))

    tasks = [asyncio.ensure_future(forward(i, stream)) for i, stream in enumerate(streams)]
    try:
        left = len(tasks)
        while left:
            index, event = await arrived.get()
            if isinstance(event, LlmdError):
                raise event
            if event is None:
                left -= 1
            else:
                yield index, event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
