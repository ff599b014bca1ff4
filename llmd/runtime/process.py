"""One worker as a child process of the daemon: start, load, feed, watch, stop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable

import msgspec
import structlog

from llmd.config.settings import PoolSettings
from llmd.errors import LoadFailed, from_wire
from llmd.protocol.codec import FrameTooLong
from llmd.protocol.events import Accepted, Delta, Event, Finished, Queued, Reading
from llmd.protocol.frames import (
    Answered,
    Ask,
    Batch,
    Cancel,
    Failed,
    FromWorker,
    Generate,
    Load,
    LoadError,
    Loading,
    Log,
    Ready,
    Share,
    Shrink,
    Shrunk,
    Stop,
)
from llmd.protocol.models import Activity
from llmd.protocol.questions import Question
from llmd.protocol.requests import GenerateRequest
from llmd.runtime.accounting import cpu_seconds, oom_kills
from llmd.runtime.link import Link
from llmd.runtime.mailbox import Mailbox
from llmd.runtime.pulse import Pulse
from llmd.runtime.supervisor import Cause, Progress, cause_of_death, death
from llmd.runtime.workers import R

_LAST = (Finished, Failed, Answered)
"""What a request gets last."""
_UNDER_WAY = (Accepted, Queued, Reading, Delta)
_RETIRE_GRACE = 12.0
_EXIT_GRACE = 5.0
_TUNABLES = "GLIBC_TUNABLES"
_HUGE_PAGES = "glibc.malloc.hugetlb"


def worker_environment() -> dict[str, str]:
    """Return this process's environment, with huge pages for what malloc hands out where Linux
    gives them to those who ask: every token reads all weights, and looks each small page up.
    """
    tunables = os.environ.get(_TUNABLES, "")
    if _HUGE_PAGES in tunables:
        return dict(os.environ)
    return {**os.environ, _TUNABLES: ":".join(filter(None, (tunables, f"{_HUGE_PAGES}=1")))}


class Hooks(msgspec.Struct, frozen=True):
    """Whom a worker process tells what happens to it."""

    progress: Callable[[float], None]
    """Share of the file that is read."""
    cancelled: Callable[[float], None]
    """Seconds one cancellation took."""
    died: Callable[[Cause, float], None]
    """It is gone, with its lifetime since it was ready."""
    shrunk: Callable[[int], None]
    """Its caches gave up so many bytes."""
    stirred: Callable[[], None]
    """It has begun to compute, or has ended."""


class WorkerProcess:
    """The `Worker` that is a process of this machine."""

    def __init__(self, name: str, settings: PoolSettings, hooks: Hooks) -> None:
        self._name = name
        self._settings = settings
        self._hooks = hooks
        self._log = structlog.get_logger("worker").bind(model=name)
        self._ids = itertools.count(1)
        self._boxes: dict[int, Mailbox] = {}
        self._last_words: deque[str] = deque(maxlen=20)
        self._progress = Progress(settings.stall_timeout, time.monotonic())
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._ready_at = 0.0
        self._pulse = Pulse()
        self._wedged = self._stopped = self._gone = False
        self._tasks: list[asyncio.Task[None]] = []
        self._oom_kills = oom_kills()
        self._sharing = 1
        self._unanswered: set[int] = set()

    @classmethod
    async def start(
        cls, name: str, load: Load, settings: PoolSettings, hooks: Hooks
    ) -> WorkerProcess:
        """Spawn a process and load the model; raise the typed reason when that fails."""
        worker = cls(name, settings, hooks)
        await worker._spawn(load)
        try:
            await worker._loaded()
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def ready(self) -> Ready:
        """What the worker settled on when it loaded."""
        return self._ready.result()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can take requests."""
        return not self._gone and not self._stopped

    @property
    def running(self) -> int:
        """Requests under way, waiting ones included."""
        return len(self._boxes)

    @property
    def computing(self) -> bool:
        """Whether any request is not answered yet; see `Worker`."""
        return bool(self._unanswered)

    @property
    def activity(self) -> Activity:
        """How its engine stands."""
        return self._pulse.activity(time.monotonic())

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        """Answer a request; see `Worker`."""
        identity, box = self._open_box()
        try:
            self._link.send(Generate(identity, request))
            while True:
                event = await box.get()
                if isinstance(event, Finished):
                    self._close_box(identity)
                    yield event
                    return
                if isinstance(event, _UNDER_WAY):  # only `ask` is replied to
                    yield event
        finally:
            if identity in self._boxes:
                self._close_box(identity)
                self._link.send(Cancel(identity))

    async def ask(self, question: Question, kind: type[R]) -> R:
        """Answer a question; see `Worker`."""
        identity, box = self._open_box()
        try:
            self._link.send(Ask(identity, question))
            result = await box.get()
            self._close_box(identity)
        finally:
            if identity in self._boxes:
                self._close_box(identity)
                self._link.send(Cancel(identity))
        if not isinstance(result, kind):  # pragma: no cover  a worker that breaks the protocol
            raise TypeError(f"unexpected {result}")
        return result

    def shrink(self, size: int) -> None:
        """Have its caches give up so many bytes."""
        if self.alive:
            self._link.send(Shrink(size))

    def share(self, workers: int) -> None:
        """Have it use its share of the cores; see `Worker`."""
        if workers != self._sharing and self.alive:
            self._sharing = workers
            self._link.send(Share(workers))

    async def retire(self) -> None:
        """Have the process save its warm prefixes and end; kill it when that takes too long."""
        self._stopped = True
        loaded = self._ready.done() and not self._ready.exception()
        if loaded and not self._wedged and not self._gone:
            self._link.send(Stop())
            await asyncio.wait([self._tasks[0]], timeout=_RETIRE_GRACE)
        await self.stop()

    async def stop(self) -> None:
        """Kill the process and wait for it."""
        self._stopped = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.wait(self._tasks)

    async def _spawn(self, load: Load) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # a folder named llmd in the working directory is not ours
                "-m",
                "llmd.runtime.worker",
                str(descriptor),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[descriptor],
                env=worker_environment(),
            )
        ours.setblocking(False)  # noqa: FBT003  socket's signature
        self._link = await Link.open(ours)
        self._link.send(load)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(job) for job in (self._listen(), self._overhear(), self._watch())
        ]

    async def _loaded(self) -> None:
        limit = self._settings.load_timeout
        self._progress = Progress(limit, time.monotonic())
        self._progress.pending(1, time.monotonic())
        try:
            await self._ready
        finally:
            self._progress = Progress(self._settings.stall_timeout, time.monotonic())
        self._ready_at = time.monotonic()

    def _open_box(self) -> tuple[int, Mailbox]:
        identity, box = next(self._ids), Mailbox()
        if self._gone:
            box.fail(death(self._name, self._cause(), self._last_words))
        self._boxes[identity] = box
        self._unanswered.add(identity)
        if len(self._unanswered) == 1:
            self._hooks.stirred()
        self._progress.pending(len(self._unanswered), time.monotonic())
        return identity, box

    def _close_box(self, identity: int) -> None:
        del self._boxes[identity]
        self._answered(identity)

    def _answered(self, identity: int) -> None:
        """Note that the process has done its part, however slow its reader is."""
        if identity in self._unanswered:
            self._unanswered.remove(identity)
            self._progress.pending(len(self._unanswered), time.monotonic())
            if not self._unanswered:
                self._hooks.stirred()

    async def _listen(self) -> None:
        """Take frames until the process closes its end, then settle what was under way."""
        try:
            async for frame in self._link.frames():
                self._take(frame)
        except (msgspec.MsgspecError, FrameTooLong) as error:
            self._log.error("the worker broke the protocol", error=str(error))
            self._process.kill()
        try:
            await asyncio.wait_for(self._process.wait(), _EXIT_GRACE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._bury()

    def _take(self, frame: FromWorker) -> None:
        now = time.monotonic()
        if isinstance(frame, Batch):
            self._progress.advanced(frame.steps, now)
            for identity, event in frame.events:
                self._deliver(identity, event)
            for seconds in frame.cancel_seconds:
                self._hooks.cancelled(seconds)
            if frame.figures:
                self._pulse.beat(frame.figures, now)
        elif isinstance(frame, Loading):
            self._progress.advanced(int(frame.fraction * 1000), now)
            self._hooks.progress(frame.fraction)
        elif isinstance(frame, Shrunk | Log):
            self._note(frame)
        elif not self._ready.done():
            if isinstance(frame, Ready):
                self._ready.set_result(frame)
            elif isinstance(frame, LoadError):
                self._ready.set_exception(from_wire(frame.error))

    def _note(self, frame: Shrunk | Log) -> None:
        if isinstance(frame, Log):
            self._log.log(_LEVELS[frame.level], "llama.cpp", text=frame.text)
            return
        self._log.info("caches shrunk", bytes=frame.bytes)
        self._hooks.shrunk(frame.bytes)

    def _deliver(self, identity: int, event: Event | Failed | Answered) -> None:
        box = self._boxes.get(identity)
        if box is None:
            return  # cancelled a moment ago
        if isinstance(event, _LAST):
            self._answered(identity)
        if isinstance(event, Failed):
            box.fail(from_wire(event.error))
        elif isinstance(event, Answered):
            box.put(event.reply)
        else:
            box.put(event)

    async def _overhear(self) -> None:
        """Log what the process writes to stderr; the last lines explain a crash."""
        stream = self._process.stderr
        if stream is None:  # pragma: no cover  always piped
            return
        while line := await stream.readline():
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._last_words.append(text)
                self._log.warning("stderr", text=text)

    async def _watch(self) -> None:
        """Kill the process when it has stood still for too long."""
        limits = [
            limit
            for limit in (self._settings.stall_timeout, self._settings.load_timeout)
            if limit.limited
        ]
        interval = min([5.0, *(limit / 4 for limit in limits)])
        while not self._gone:
            await asyncio.wait([self._tasks[0]], timeout=interval)
            now = time.monotonic()
            if self._computes_itself:
                self._progress.used(cpu_seconds(self.pid), now)
            if not self._gone and self._progress.stalled(now):
                self._wedged = True
                self._log.error("wedged", running=len(self._boxes))
                self._process.kill()
                return

    @property
    def _computes_itself(self) -> bool:
        """Whether CPU time is a sign of work: who waits for a GPU may use it all, too."""
        return self._ready_at > 0 and not self.ready.gpu_layers

    def _cause(self) -> Cause:
        code = self._process.returncode or 0
        killed = oom_kills() - self._oom_kills
        return cause_of_death(code, wedged=self._wedged, stopped=self._stopped, oom_kills=killed)

    def _bury(self) -> None:
        self._gone = True
        self._link.close()
        cause = self._cause()
        error = death(self._name, cause, self._last_words)
        for box in self._boxes.values():
            box.fail(error)
        if not self._ready.done():
            why = (
                "it made no progress"
                if self._wedged
                else f"its process {cause} ({self._process.returncode})"
            )
            said = f" It said: {self._last_words[-1]}" if self._last_words else ""
            hint = "`llmd logs` has the reason."
            self._ready.set_exception(
                LoadFailed(
                    f"Loading {self._name} failed: {why}.{said}", hint=hint, cause=str(cause)
                )
            )
            self._ready.exception()  # whoever started it may be gone
        lived = time.monotonic() - self._ready_at if self._ready_at else 0.0
        self._log.info(
            "worker ended", pid=self.pid, cause=str(cause), code=self._process.returncode
        )
        self._hooks.died(cause, lived)


_LEVELS = {"debug": 10, "info": 10, "warning": 30, "error": 40}
"""llama.cpp's "info" is our "debug": it prints every tensor type and hyper-parameter there."""
