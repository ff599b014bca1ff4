"""The requests being answered, and the latest of those that were: what `llmd requests` shows.

Nothing of a prompt or an answer is kept but the few words that tell why the prefix cache held no
more of it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import msgspec

from llmd.errors import LlmdError
from llmd.protocol.callers import Caller
from llmd.protocol.events import (
    Accepted,
    CacheMiss,
    Delta,
    Event,
    Queued,
    Reading,
    Usage,
)
from llmd.protocol.requests import GenerateRequest, Lane
from llmd.services.metering import account
from llmd.services.missed import plainly
from llmd.telemetry.metrics import Metrics

_KEPT = 200


class RequestState(StrEnum):
    """How far a request is."""

    PREPARING = "preparing"
    """Its model is loaded, or its prompt tokenised."""
    QUEUED = "queued"
    READING = "reading"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RequestReport(msgspec.Struct, frozen=True, kw_only=True):
    """One request; a row of `llmd requests`. Times in seconds."""

    id: int
    """Counts up from the start of the daemon."""
    trace: str
    """The `X-Request-Id` it came with or was given; the choices of one request share it."""
    model: str
    client: str
    """Whose turn it takes: a hashed API key, a user, or an address."""
    lane: Lane
    state: RequestState
    reason: str
    """How it ended: the finish reason, or the code of the error."""
    position: int | None
    """Requests ahead of it, while it is queued."""
    estimated_wait: float | None
    arrived: float
    """Seconds since the epoch."""
    age: float
    """Since it came; of one that ended, how long it took."""
    prompt_tokens: int
    read_tokens: int
    """Prompt tokens that were read so far, cached ones included."""
    cached_tokens: int
    cache_miss: CacheMiss | None
    missed: str
    """The same in words."""
    generated_tokens: int
    tokens_per_second: float | None
    """Of the answer, after its first token."""
    drafted_tokens: int
    accepted_tokens: int
    draft_acceptance: float | None


class RequestList(msgspec.Struct, frozen=True):
    """What `GET /control/requests` answers."""

    live: list[RequestReport]
    """Oldest first."""
    ended: list[RequestReport]
    """In the order in which they ended."""


Spend = Callable[[Caller, int], None]
End = tuple[RequestState, str]
"""How a request ended, and why."""


class Tracked:
    """One request under way, as far as its events tell."""

    def __init__(
        self, identity: int, model: str, request: GenerateRequest, caller: Caller, now: float
    ) -> None:
        self._id = identity
        self._model = model
        self._request = request
        self.caller = caller
        self._arrived = time.time()
        self._state = RequestState.PREPARING
        self._place: Queued | None = None
        self._last_token = 0.0
        self._read = 0
        self.started = now
        self.first_token = 0.0
        """When it came; 0: it has not."""
        self.usage = Usage()
        self.finished = ""
        """The reason, once it is complete."""

    def take(self, event: Event, now: float) -> None:
        """Learn from an event."""
        if isinstance(event, Delta):
            self._write(event.tokens, now)
        elif isinstance(event, Accepted):
            self.usage = Usage(prompt_tokens=event.prompt_tokens)
            self._queue(event.queue_position, event.estimated_wait)
        elif isinstance(event, Queued):
            self._queue(event.position, event.estimated_wait)
        elif isinstance(event, Reading):
            self._state, self._place, self._read = RequestState.READING, None, event.tokens
            self.usage = msgspec.structs.replace(self.usage, cached_tokens=event.cached_tokens)
        else:
            self.usage, self._read = event.usage, event.usage.prompt_tokens
            self.finished = str(event.reason)

    def _queue(self, position: int, wait: float) -> None:
        waits = position > 0 or wait > 0
        self._place = Queued(position, wait) if waits else None
        # one that was preempted waits again, but what it has written stands
        if self._state is not RequestState.WRITING:
            self._state = RequestState.QUEUED if waits else RequestState.READING

    def _write(self, tokens: int, now: float) -> None:
        self._state, self._place = RequestState.WRITING, None
        self._read = self.usage.prompt_tokens
        self.first_token = self.first_token or now
        self._last_token = now
        done = self.usage.completion_tokens + tokens
        self.usage = msgspec.structs.replace(self.usage, completion_tokens=done)

    def report(self, now: float, end: End | None = None) -> RequestReport:
        """Return how it stands, or how it ended."""
        state, reason = end or (self._state, "")
        usage, place = self.usage, None if end else self._place
        drafted = usage.drafted_tokens
        return RequestReport(
            id=self._id,
            trace=self.caller.trace,
            model=self._model,
            client=self._request.client,
            lane=self._request.lane,
            state=state,
            reason=reason,
            position=place.position if place else None,
            estimated_wait=round(place.estimated_wait, 1) if place else None,
            arrived=self._arrived,
            age=round(now - self.started, 3),
            prompt_tokens=usage.prompt_tokens,
            read_tokens=self._read,
            cached_tokens=usage.cached_tokens,
            cache_miss=usage.cache_miss,
            missed=plainly(usage.cache_miss),
            generated_tokens=usage.completion_tokens,
            tokens_per_second=self._speed(),
            drafted_tokens=drafted,
            accepted_tokens=usage.accepted_tokens,
            draft_acceptance=round(usage.accepted_tokens / drafted, 4) if drafted else None,
        )

    def _speed(self) -> float | None:
        tokens = self.usage.completion_tokens - 1
        # the worker's clock counts once it is known; a slow reader makes the daemon's run late
        seconds = self.usage.decode_seconds or self._last_token - self.first_token
        return round(tokens / seconds, 2) if tokens > 0 and seconds > 0 else None


class Requests:
    """All requests under way and a bounded number of those that ended; counts them in the
    metrics.
    """

    def __init__(
        self,
        metrics: Metrics,
        kept: int = _KEPT,
        clock: Callable[[], float] = time.monotonic,
        spend: Spend | None = None,
    ) -> None:
        """`spend` is told of the tokens that each caller used."""
        self._metrics = metrics
        self._clock = clock
        self._spend = spend or _nobody_counts
        self._count = 0
        self._live: dict[int, Tracked] = {}
        self._ended: deque[RequestReport] = deque(maxlen=kept)

    @contextmanager
    def follow(
        self, model: str, request: GenerateRequest, caller: Caller
    ) -> Iterator[Callable[[Event], None]]:
        """Follow one request for the length of a `with`; call what it hands out with each event."""
        self._count += 1
        tracked = Tracked(self._count, model, request, caller, self._clock())
        self._live[self._count] = tracked
        failure = ""
        try:
            yield lambda event: tracked.take(event, self._clock())
        except LlmdError as error:
            failure = error.code
            raise
        finally:
            self._end(model, tracked, failure)

    def asked(self, model: str, tokens: int, caller: Caller) -> None:
        """Count a question that was answered in one piece."""
        self._metrics.tokens.labels(model, "prompt").inc(tokens)
        self._spend(caller, tokens)

    def list(self) -> RequestList:
        """Return how all of them stand."""
        now = self._clock()
        return RequestList([request.report(now) for request in self._live.values()], [*self._ended])

    def _end(self, model: str, tracked: Tracked, failure: str) -> None:
        now, metrics = self._clock(), self._metrics
        end = (RequestState.FAILED, failure) if failure else (RequestState.CANCELLED, "")
        if tracked.finished and not failure:
            end = (RequestState.DONE, tracked.finished)
            metrics.inference_seconds.labels(model).observe(now - tracked.started)
            account(metrics, model, tracked.usage)
        if tracked.first_token:
            seconds = tracked.first_token - tracked.started
            metrics.first_token_seconds.labels(model).observe(seconds)
        metrics.requests.labels(end[1] or str(end[0])).inc()
        used = tracked.usage.prompt_tokens + tracked.usage.completion_tokens
        self._spend(tracked.caller, used)
        report = tracked.report(now, end)
        del self._live[report.id]
        self._ended.append(report)


def _nobody_counts(_caller: Caller, _tokens: int) -> None:
    """Where tokens cost nothing."""
