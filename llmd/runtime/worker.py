"""The child process of one loaded model: `python -m llmd.runtime.worker FD`.

Four threads, so that nothing waits for what it does not need: the main one runs the engine; a
reader takes frames (a cancellation must not wait for a long prompt to be tokenised); a preparer
renders and tokenises; the channel's writer encodes and sends while llama.cpp, which releases the
interpreter lock, decodes. When the daemon's end closes, for whatever reason, the process ends at
once: no orphan survives the daemon.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from llmd.chat.template import ChatTemplate
from llmd.engine.loading import Opened, open_model
from llmd.engine.sampling import make_sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import InvalidRequest, LlmdError
from llmd.protocol.events import Accepted, Embeddings
from llmd.protocol.frames import (
    Batch,
    Cancel,
    Embed,
    Embedded,
    Failed,
    Generate,
    Load,
    LoadError,
    Loading,
    Log,
    ToWorker,
    WorkerEvent,
)
from llmd.runtime.channel import Channel
from llmd.runtime.intake import Intake

_PR_SET_PDEATHSIG = 1
_PROGRESS_STEP = 0.01


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

    def __init__(self, opened: Opened, intake: Intake, channel: Channel) -> None:
        self._opened = opened
        self._engine = opened.engine
        self._intake = intake
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
                    self._sequence(frame) if isinstance(frame, Generate) else self._job(frame)
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

    def _sequence(self, frame: Generate) -> Sequence:
        engine, request, vocab = self._engine, frame.request, self._opened.model.vocab
        if engine is None:
            raise InvalidRequest(
                "This is an embedding model; it cannot generate text.", param="model"
            )
        arrived = time.monotonic()
        prepared = self._intake.prompt(request)
        sampler = make_sampler(
            request.sampling,
            vocab,
            prepared.tokens,
            engine.context_length,
            ignore_eos=request.ignore_eos,
        )
        return Sequence(
            id=frame.id,
            tokens=prepared.tokens,
            sampler=sampler,
            text=TextStream([*request.stop, *self._intake.stops]),
            timing=Timing(arrived),
            max_tokens=request.max_tokens if request.max_tokens is not None else sys.maxsize,
            ignore_eos=request.ignore_eos,
            overflow=request.overflow,
            logprobs=request.logprobs,
            dropped=prepared.dropped,
        )

    def _job(self, frame: Embed) -> EmbedJob:
        embedder = self._opened.embedder
        inputs = self._intake.inputs(frame.request, embedder.context_length)
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
        assert engine is not None  # noqa: S101  _sequence refuses otherwise
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


def _die_with_parent() -> None:
    """Have Linux kill this process when the daemon goes, even if it is stopped or stuck."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _open(channel: Channel, load: Load) -> Opened:
    shown = -1.0

    def progress(share: float) -> None:
        nonlocal shown
        if share - shown >= _PROGRESS_STEP or share >= 1:
            shown = share
            channel.send(Loading(share))

    return open_model(load, progress, lambda level, text: channel.send(Log(level, text)))


def _template(opened: Opened) -> ChatTemplate:
    vocab = opened.model.vocab
    bos = vocab.piece(vocab.bos, special=True).decode("utf-8", "replace") if vocab.bos >= 0 else ""
    eos = vocab.piece(vocab.eos, special=True).decode("utf-8", "replace") if vocab.eos >= 0 else ""
    return ChatTemplate.choose(opened.model.chat_template(), vocab.is_control, bos=bos, eos=eos)


def main(descriptor: int) -> int:
    """Serve one model on an inherited socket until the daemon closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's to handle
    _die_with_parent()
    channel = Channel(socket.socket(fileno=descriptor))
    frames = channel.frames()
    load = next(frames, None)
    if not isinstance(load, Load):
        return 1
    try:
        opened = _open(channel, load)
        intake = Intake(opened.model.vocab, _template(opened), opened.ready.context_length)
    except LlmdError as error:
        channel.send(LoadError(error.to_wire()))
        channel.flush()
        return 1
    worker = Worker(opened, intake, channel)
    channel.send(opened.ready)
    threading.Thread(target=_read, args=(frames, worker), name="reader", daemon=True).start()
    threading.Thread(target=worker.prepare, name="preparer", daemon=True).start()
    worker.run()
    return 0


def _read(frames: Iterator[ToWorker], worker: Worker) -> None:
    with contextlib.suppress(OSError):
        for frame in frames:
            worker.take(frame)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
