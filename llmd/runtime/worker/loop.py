"""The worker's loop: commands in, engine steps, events out."""

from __future__ import annotations

import os
import queue
import time
from collections import deque
from dataclasses import dataclass

from llmd.engine.loading import Opened
from llmd.engine.sequence import Sequence
from llmd.errors import LlmdError
from llmd.protocol.events import Accepted, Embeddings
from llmd.protocol.frames import (
    Batch,
    Cancel,
    Embed,
    Embedded,
    Failed,
    Generate,
    ToWorker,
    WorkerEvent,
)
from llmd.runtime.channel import Channel
from llmd.runtime.worker.assembly import Assembly


@dataclass(slots=True)
class EmbedJob:
    """An embedding request, cut into packs of one decode call each."""

    id: int
    packs: deque[list[list[int]]]
    vectors: list[bytes]
    tokens: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A cancellation and the monotonic second it came in."""

    id: int
    at: float


Command = Sequence | EmbedJob | Cancelled


class Worker:
    """The loaded model and its two queues: requests to prepare, commands for the engine."""

    def __init__(self, opened: Opened, assembly: Assembly, channel: Channel) -> None:
        self._opened = opened
        self._engine = opened.engine
        self._assembly = assembly
        self._channel = channel
        self._requests: queue.SimpleQueue[Generate | Embed] = queue.SimpleQueue()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._embeds: deque[EmbedJob] = deque()
        self._steps = 0

    def take(self, frame: ToWorker) -> None:
        """Accept one frame (reader thread)."""
        if isinstance(frame, Generate | Embed):
            self._requests.put(frame)
        elif isinstance(frame, Cancel):
            self._cancelled.add(frame.id)
            self._commands.put(Cancelled(frame.id, time.monotonic()))
        else:
            os._exit(0)

    def prepare(self) -> None:
        """Turn requests into commands, for ever (preparer thread)."""
        while True:
            frame = self._requests.get()
            if frame.id in self._cancelled:
                self._cancelled.discard(frame.id)
                continue
            try:
                self._commands.put(
                    self._assembly.sequence(frame)
                    if isinstance(frame, Generate)
                    else self._job(frame)
                )
            except LlmdError as error:
                self._channel.send(Batch(self._steps, [(frame.id, Failed(error.to_wire()))]))

    def run(self) -> None:
        """Step the engine, for ever (main thread)."""
        while True:
            cancel_seconds = self._obey()
            events: list[tuple[int, WorkerEvent]] = []
            if self._embeds:
                events += self._embed()
            if self._engine and not self._engine.idle:
                events += self._engine.step()
            self._steps += 1
            self._channel.send(Batch(self._steps, events, cancel_seconds))

    def _job(self, frame: Embed) -> EmbedJob:
        embedder = self._opened.embedder
        inputs = self._assembly.inputs(frame.request)
        return EmbedJob(frame.id, deque(embedder.packs(inputs)), [], sum(map(len, inputs)))

    def _obey(self) -> list[float]:
        """Carry out waiting commands; block while there is nothing else to do. Return latencies of
        cancellations.
        """
        latencies: list[float] = []
        idle = not self._embeds and (self._engine is None or self._engine.idle)
        while True:
            try:
                command = self._commands.get(block=idle)
            except queue.Empty:
                return latencies
            idle = False
            if isinstance(command, Cancelled):
                self._cancel(command.id)
                latencies.append(time.monotonic() - command.at)
            elif command.id in self._cancelled:
                self._cancelled.discard(command.id)
            elif isinstance(command, EmbedJob):
                self._embeds.append(command)
            else:
                self._submit(command)

    def _submit(self, sequence: Sequence) -> None:
        engine = self._engine
        assert engine is not None  # noqa: S101  the assembly refuses otherwise
        try:
            position = len(engine.scheduler.waiting)
            engine.submit(sequence)
        except LlmdError as error:
            sequence.sampler.close()
            self._channel.send(Batch(self._steps, [(sequence.id, Failed(error.to_wire()))]))
            return
        accepted = Accepted(len(sequence.tokens), sequence.dropped, position)
        self._channel.send(Batch(self._steps, [(sequence.id, accepted)]))

    def _cancel(self, request: int) -> None:
        if self._engine and self._engine.cancel(request):
            self._cancelled.discard(request)
        for job in [job for job in self._embeds if job.id == request]:
            self._embeds.remove(job)
            self._cancelled.discard(request)

    def _embed(self) -> list[tuple[int, WorkerEvent]]:
        """Run one pack of the oldest embedding request."""
        job = self._embeds[0]
        embedder = self._opened.embedder
        try:
            job.vectors += [vector.tobytes() for vector in embedder.embed(job.packs.popleft())]
        except LlmdError as error:
            self._embeds.popleft()
            return [(job.id, Failed(error.to_wire()))]
        if job.packs:
            return []
        self._embeds.popleft()
        return [(job.id, Embedded(Embeddings(self._opened.model.width, job.vectors, job.tokens)))]
