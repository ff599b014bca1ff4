"""The worker's loop: commands in, engine steps, events out."""

from __future__ import annotations

import os
import queue
import time
import traceback
from dataclasses import dataclass

import msgspec

from llmd.engine.bindings import Context
from llmd.engine.loading import Opened
from llmd.engine.sequence import Sequence
from llmd.engine.warm_prefixes import Recalled
from llmd.errors import LlmdError, bug
from llmd.protocol.events import Accepted
from llmd.protocol.frames import (
    Answered,
    Ask,
    Batch,
    Cancel,
    Failed,
    Figures,
    Generate,
    Log,
    Share,
    Shrink,
    Shrunk,
    Stop,
    ToWorker,
    WorkerEvent,
)
from llmd.runtime.channel import Channel
from llmd.runtime.worker.answers import Answers
from llmd.runtime.worker.assembly import Assembly
from llmd.runtime.worker.bundling import Bundling
from llmd.runtime.worker.cancellations import Cancellations
from llmd.runtime.worker.gathering import BURST, Gathering
from llmd.runtime.worker.illustrator import Illustrated, Illustrator
from llmd.runtime.worker.jobs import Job, Jobs, ScoreJob, VectorJob
from llmd.runtime.worker.slimming import slim
from llmd.runtime.worker.wakefulness import Wakefulness
from llmd.runtime.worker.warming import Warming

_REPORT_EVERY = 1.0
_LOST_GPU = 3


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A cancellation and the monotonic second it came in."""

    id: int
    at: float


Command = Sequence | Job | Cancelled | Recalled | Shrink | Stop


class Worker:
    """The loaded model and its two queues: requests to prepare, commands for the engine."""

    def __init__(
        self, opened: Opened, assembly: Assembly, answers: Answers, channel: Channel
    ) -> None:
        self._opened = opened
        self._engine = opened.engine
        self._assembly = assembly
        self._answers = answers
        self._channel = channel
        self._requests: queue.SimpleQueue[Generate | Ask | Illustrated] = queue.SimpleQueue()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._cancelled = Cancellations()
        self._jobs = Jobs(opened.embedder, opened.scorer)
        self._warming = Warming(self._engine, self._commands.put)
        self._gathering = Gathering()
        self._bundling = Bundling()
        self._held: list[tuple[int, WorkerEvent]] = []
        """Tokens that wait for those of the next step."""
        self._wakefulness = Wakefulness(opened.ready.gpu_layers > 0)
        self._steps = 0
        self._report_at = 0.0
        self.illustrator = Illustrator(
            opened.media, self._cancelled, self._requests.put, self._fail, self._beat
        )

    def take(self, frame: ToWorker) -> None:
        """Accept one frame (reader thread)."""
        if isinstance(frame, Generate) and self.illustrator.take(frame):
            return
        if isinstance(frame, Generate | Ask):
            self._requests.put(frame)
        elif isinstance(frame, Cancel):
            self._cancelled.add(frame.id)
            self._commands.put(Cancelled(frame.id, time.monotonic()))
        elif isinstance(frame, Share):
            Context.sharing = frame.workers
        elif isinstance(frame, Shrink | Stop):
            self._commands.put(frame)

    def prepare(self) -> None:
        """Turn requests into commands, for ever (preparer thread)."""
        while True:
            self.prepare_next()

    def prepare_next(self) -> None:
        """Wait for a request and turn it into a command."""
        frame = self._requests.get()
        if frame.id in self._cancelled:
            self._cancelled.discard(frame.id)
            return
        try:
            self._prepare(frame)
        except Exception as error:  # noqa: BLE001  the boundary: others wait behind this request
            self._fail(frame.id, error)

    def run(self) -> None:
        """Step the engine, for ever (main thread)."""
        while True:
            self.run_once()

    def run_once(self) -> None:
        """Carry out what waits, then make one step."""
        # most steps are nothing but a token for each answer: those take the shortest way
        cancel_seconds: list[float] = []
        if self._disturbed:
            if self._held:
                self._release([], None)
            cancel_seconds = self._obey()
        events: list[tuple[int, WorkerEvent]] = []
        if not self._jobs.idle:
            events += self._jobs.step(busy=self._engine is not None and not self._engine.idle)
        if self._engine and not self._engine.idle:
            events += self._engine.step()
        self._steps += 1
        figures = self._figures(events)
        tokens_alone = figures is None and not cancel_seconds
        steady = tokens_alone and self._engine is not None and self._engine.steady
        self._held += events
        if not self._bundling.waits(events, time.monotonic(), steady=steady):
            self._release(cancel_seconds, figures)

    def _release(self, cancel_seconds: list[float], figures: Figures | None) -> None:
        """Send what is held back, or that a step was made."""
        self._channel.send(Batch(self._steps, self._held, cancel_seconds, figures))
        self._held = []

    @property
    def _disturbed(self) -> bool:
        """Whether there is a command, or nothing to do but wait for one."""
        engine = self._engine
        return not self._commands.empty() or engine is None or engine.idle or engine.stuck

    def _figures(self, events: list[tuple[int, WorkerEvent]]) -> Figures | None:
        """Return the engine's figures and add the news to those who wait, about once a second."""
        now = time.monotonic()
        if self._engine is None or (now < self._report_at and not self._engine.idle):
            return None
        self._report_at = now + _REPORT_EVERY
        self._check_devices()
        events += self._engine.news(now)
        kept = (self._engine.warm.kept if self._engine.warm else 0) + (
            self._opened.media.cache.kept if self._opened.media else 0
        )
        return msgspec.structs.replace(self._engine.figures(now), cache_bytes=kept)

    def _fail(self, request: int, error: Exception) -> None:
        """End a request that the engine does not have; what is no refusal is logged."""
        if not isinstance(error, LlmdError):
            self._channel.send(Log("error", "".join(traceback.format_exception(error))))
            error = bug()
        self._channel.send(Batch(self._steps, [(request, Failed(error.to_wire()))]))

    def _beat(self) -> None:
        """Show progress while nothing but media is worked on (illustrator thread)."""
        self._steps += 1
        self._channel.send(Batch(self._steps, []))

    def _prepare(self, frame: Generate | Ask | Illustrated) -> None:
        if isinstance(frame, Generate | Illustrated):
            self._put(self._assembly.sequence(frame))
            return
        answer = self._answers.take(frame)
        if isinstance(answer, VectorJob | ScoreJob):
            self._put(answer)
        else:
            self._channel.send(Batch(self._steps, [(frame.id, Answered(answer))]))

    def _put(self, work: Sequence | Job) -> None:
        self._gathering.came(time.monotonic())
        self._commands.put(work)

    def _obey(self) -> list[float]:
        """Carry out waiting commands; block while there is nothing else to do. Return latencies of
        cancellations.
        """
        latencies: list[float] = []
        idle = self._jobs.idle and (self._engine is None or self._engine.idle)
        command = self._next()
        gather_until = time.monotonic() + BURST if idle else 0.0
        self._check_devices()
        while command is not None:
            if isinstance(command, Cancelled):
                self._cancel(command.id)
                latencies.append(time.monotonic() - command.at)
            elif isinstance(command, Stop):
                self._warming.finish()
                os._exit(0)
            elif isinstance(command, Recalled):
                if self._engine:
                    self._engine.recalled(command)
            elif isinstance(command, Shrink):
                self._shrink(command.bytes)
            elif command.id in self._cancelled:
                self._discard(command)
            elif isinstance(command, VectorJob | ScoreJob):
                self._jobs.add(command)
            else:
                self._submit(command)
            command = self._more(gather_until)
        if idle:
            self._gathering.begin(time.monotonic())
        return latencies

    def _discard(self, work: Sequence | Job) -> None:
        """Drop what was cancelled before the engine had it."""
        self._cancelled.discard(work.id)
        if isinstance(work, Sequence):
            work.sampler.close()

    def _more(self, gather_until: float) -> Command | None:
        """Return a command that is there, or comes within a moment while nothing has begun yet:
        requests of a burst are better begun together than one by one.
        """
        begins = time.monotonic() < gather_until
        try:
            return self._commands.get(
                block=begins, timeout=self._gathering.moment if begins else None
            )
        except queue.Empty:
            return None

    def _check_devices(self) -> None:
        """End this process if its model lay where nothing is any more; another one takes over."""
        lost = self._wakefulness.lost()
        if not lost:
            return
        self._channel.send(Log("error", f"{', '.join(lost)} is gone since the machine slept."))
        self._channel.flush()
        os._exit(_LOST_GPU)

    def _shrink(self, size: int) -> None:
        warm = self._engine.warm if self._engine else None
        media = self._opened.media.cache if self._opened.media else None
        self._channel.send(Shrunk(slim([warm, media], size)))

    def _next(self) -> Command | None:
        """Return the next command; None when there is none but other work to do. While there is
        neither, prefixes are saved.
        """
        self._warming.busy()
        while True:
            idle = self._jobs.idle and (self._engine is None or self._engine.idle)
            waits = idle or (self._jobs.idle and self._engine is not None and self._engine.stuck)
            try:
                return self._commands.get(
                    block=waits, timeout=self._warming.patience() if idle else None
                )
            except queue.Empty:
                if not idle:
                    return None
                self._warming.save()

    def _submit(self, sequence: Sequence) -> None:
        engine = self._engine
        assert engine is not None  # noqa: S101  the assembly refuses otherwise
        try:
            place = engine.submit(sequence)
        except LlmdError as error:
            sequence.sampler.close()
            self._channel.send(Batch(self._steps, [(sequence.id, Failed(error.to_wire()))]))
            return
        accepted = Accepted(
            sequence.prompt_tokens, sequence.dropped, place.position, place.estimated_wait
        )
        self._channel.send(Batch(self._steps, [(sequence.id, accepted)]))

    def _cancel(self, request: int) -> None:
        if self._engine and self._engine.cancel(request):
            self._cancelled.discard(request)
        if self._jobs.cancel(request):
            self._cancelled.discard(request)
