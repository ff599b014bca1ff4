"""Long work that was begun here: downloads, quantising, loading. Several go on at once, beside
whatever page is shown; leaving one keeps what it has, so that it can go on later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from llmd.client.streams import cut_short
from llmd.errors import DaemonUnreachable, Draining, LlmdError
from llmd.protocol import amounts
from llmd.protocol.models import PullProgress
from llmd.protocol.quantization import QuantizeProgress

_LAST = {"done", "ready"}
"""How work stands in the last line of it."""


class Work(StrEnum):
    """What is done."""

    PULL = "pull"
    QUANTIZE = "quantize"
    LOAD = "load"


class Stage(StrEnum):
    """How a job stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By the user."""
    BROKEN = "broken"
    """The daemon went away."""
    FAILED = "failed"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: a control call that answers in lines."""

    work: Work
    model: str
    """Name of the model it is done with."""
    body: dict[str, Any]
    detail: str = ""
    """What tells it from others of that model, for people."""

    @property
    def path(self) -> str:
        """Return the call."""
        return f"/control/{self.work}"

    @property
    def title(self) -> str:
        """Return what it is called."""
        return f"{self.model} {self.detail}".strip()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One order and how it stands; sizes in bytes."""

    number: int
    order: Order
    stage: Stage = Stage.RUNNING
    status: str = ""
    """The daemon's word for what it does."""
    done: int = 0
    total: int = 0
    fraction: float | None = None
    """Share that is done, where bytes do not tell it."""
    rate: float = 0.0
    remaining: float | None = None
    note: str = ""
    error: LlmdError | None = None
    made: str = ""
    """Name of the model that came of it."""
    known_as: str = ""
    """What the daemon calls the model, where it has said so."""
    foreign: bool = False
    """Whether another client began it."""

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.stage is Stage.RUNNING

    @property
    def resumable(self) -> bool:
        """Whether it can be begun again."""
        return self.stage in {Stage.STOPPED, Stage.BROKEN, Stage.FAILED}

    @property
    def share(self) -> float:
        """Return how much of it is done, between 0 and 1."""
        if self.stage is Stage.DONE:
            return 1.0
        return amounts.share(self.done, self.total) if self.fraction is None else self.fraction

    @property
    def brief(self) -> str:
        """Return how it stands in a word or two."""
        if self.share and self.status in {"downloading", "copying", "quantizing", "loading"}:
            return f"{self.share:.0%}"
        return self.status or "begins"


class Streams(Protocol):
    """What jobs need of a client."""

    def stream_lines(
        self, path: str, body: object = None, method: str = "POST"
    ) -> AsyncGenerator[dict[str, Any]]:
        """See AsyncClient."""


class Jobs:
    """All jobs of this interface, the eldest first: `spawn` runs one in the background, `changed`
    hears of every step, `ended` of what is done or has failed.
    """

    def __init__(
        self,
        client: Streams,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
        ended: Callable[[Job], None],
    ) -> None:
        self._client = client
        self._spawn = spawn
        self._changed = changed
        self._ended = ended
        self._jobs: dict[int, Job] = {}
        self._leaving: dict[int, asyncio.Event] = {}
        self._number = 0

    def list(self) -> list[Job]:
        """Return them all."""
        return list(self._jobs.values())

    def begin(self, order: Order) -> Job:
        """Begin something; what goes on already is not begun twice."""
        for job in self._jobs.values():
            if job.order == order and job.live:
                return job
        self._drop_like(order)
        self._number += 1
        return self._run(Job(number=self._number, order=order))

    def cancel(self, number: int) -> None:
        """Leave a job; a download keeps what has come."""
        if event := self._leaving.get(number):
            event.set()

    def resume(self, number: int) -> None:
        """Go on with what was left or has failed."""
        job = self._jobs.get(number)
        if job and job.resumable:
            self._run(Job(number=number, order=job.order))

    def dismiss(self, number: int) -> None:
        """Forget a job that has ended."""
        job = self._jobs.get(number)
        if job and not job.live:
            del self._jobs[number]
            self._changed()

    def recover(self) -> None:
        """Go on with the downloads that the daemon's end broke."""
        for job in self.list():
            if job.stage is Stage.BROKEN and job.order.work is Work.PULL:
                self.resume(job.number)

    def _drop_like(self, order: Order) -> None:
        for number, job in list(self._jobs.items()):
            if (job.order.work, job.order.model) == (order.work, order.model) and not job.live:
                del self._jobs[number]

    def _run(self, job: Job) -> Job:
        self._jobs[job.number] = job
        self._leaving[job.number] = asyncio.Event()
        self._spawn(self._follow(job.number))
        self._changed()
        return job

    async def _follow(self, number: int) -> None:
        leaving = self._leaving[number]
        reading = asyncio.ensure_future(self._read(number))
        left = asyncio.ensure_future(leaving.wait())
        try:
            await asyncio.wait({reading, left}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                await asyncio.wait({reading})
                self._put(number, stage=Stage.STOPPED)
                return
            self._finish(number, reading.exception())
        finally:
            left.cancel()
            reading.cancel()

    async def _read(self, number: int) -> None:
        order = self._jobs[number].order
        lines = self._client.stream_lines(order.path, order.body)
        async with aclosing(lines):
            async for line in lines:
                self._put(number, **taken(line))

    def _finish(self, number: int, error: BaseException | None) -> None:
        if error is None and self._jobs[number].status not in _LAST:
            error = cut_short()
        if error is None:
            self._put(number, stage=Stage.DONE)
        elif isinstance(error, LlmdError):
            broken = isinstance(error, DaemonUnreachable | Draining)
            self._put(number, stage=Stage.BROKEN if broken else Stage.FAILED, error=error)
        else:
            raise error
        self._ended(self._jobs[number])

    def _put(self, number: int, **fields: Any) -> None:
        self._jobs[number] = msgspec.structs.replace(self._jobs[number], **fields)
        self._changed()


def taken(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line of the daemon says of a job."""
    if "fraction" in line:
        return {"status": str(line.get("status", "")), "fraction": float(line["fraction"])}
    if isinstance(made := line.get("model"), Mapping):
        return {"status": "done", "made": str(made.get("name", ""))}
    return {
        "status": str(line.get("status", "")),
        "done": int(line.get("done") or 0),
        "total": int(line.get("total") or 0),
        "rate": float(line.get("rate") or 0.0),
        "remaining": line.get("remaining"),
        "note": str(line.get("note") or ""),
        "known_as": str(line.get("name") or ""),
    }


def foreign(
    pulls: Sequence[PullProgress], makings: Sequence[QuantizeProgress], own: Sequence[Job]
) -> list[Job]:
    """Return what goes on in the daemon besides one's own jobs."""
    names = {name for job in own if job.live for name in (job.order.model, job.known_as)}
    found: list[tuple[Work, PullProgress | QuantizeProgress]] = [
        *((Work.PULL, event) for event in pulls),
        *((Work.QUANTIZE, event) for event in makings),
    ]
    return [
        Job(
            number=-place,
            order=Order(work=work, model=event.name or "a model", body={}),
            foreign=True,
            **taken(msgspec.to_builtins(event)),
        )
        for place, (work, event) in enumerate(found, 1)
        if event.name not in names
    ]


def words(job: Job) -> str:
    """Return how a job stands, as a few words behind its bar."""
    match job.stage:
        case Stage.DONE:
            return f"done{_as(job)}"
        case Stage.STOPPED:
            return "paused" if job.order.work is Work.PULL else "stopped"
        case Stage.BROKEN:
            return "the daemon went away"
        case Stage.FAILED:
            return job.error.message if job.error else "failed"
    if job.fraction is not None:
        return f"{job.status} {job.fraction:.0%}"
    parts = [
        job.status or "asking",
        f"{amounts.size(job.done)} of {amounts.size(job.total)}" if job.total else "",
        f"{amounts.size(job.rate)}/s" if job.rate else "",
        f"{amounts.duration(job.remaining)} left" if job.remaining is not None else "",
        job.note,
        "for another client" if job.foreign else "",
    ]
    return ", ".join(part for part in parts if part)


def _as(job: Job) -> str:
    return f": {job.made}" if job.made and job.made != job.order.model else ""
