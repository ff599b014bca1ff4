"""The requests being answered, and the latest of those that were: what `llmd requests` shows.

Nothing of a prompt or an answer is kept but the few words that tell why the prefix cache held no
more of it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from llmd.errors import LlmdError, NotFound, RequestCancelled
from llmd.protocol.callers import Caller
from llmd.protocol.events import (
    Accepted,
    Delta,
    Event,
    Finished,
    Queued,
    Reading,
    Usage,
)
from llmd.protocol.questions import Question
from llmd.protocol.reports import RequestList, RequestReport, RequestState
from llmd.protocol.requests import GenerateRequest
from llmd.services.metering import account
from llmd.services.missed import plainly
from llmd.services.performance import Outcome, Performance
from llmd.services.stopping import Stop
from llmd.services.transcripts import Transcript, note
from llmd.telemetry import journal
from llmd.telemetry.metrics import Metrics

_KEPT = 200


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
        self._usage = Usage()
        self._written = 0
        """Tokens of the answer that have come."""
        self.finished = ""
        """The reason, once it is complete."""
        self.cancelled = ""
        """The code of the error that it is being ended with."""

    def take(self, event: Event, now: float) -> float | None:
        """Learn from an event; return the seconds since the last piece of the answer, if it is one
        more.
        """
        if isinstance(event, Delta):
            return self._write(event.tokens, now)
        self._learn(event)
        return None

    def _learn(self, event: Accepted | Queued | Reading | Finished) -> None:
        if isinstance(event, Accepted):
            self._usage, self._written = Usage(prompt_tokens=event.prompt_tokens), 0
            self._queue(event.queue_position, event.estimated_wait)
        elif isinstance(event, Queued):
            self._queue(event.position, event.estimated_wait)
        elif isinstance(event, Reading):
            self._state, self._place, self._read = RequestState.READING, None, event.tokens
            self._usage = msgspec.structs.replace(self._usage, cached_tokens=event.cached_tokens)
        else:
            self._usage, self._read = event.usage, event.usage.prompt_tokens
            self._written = event.usage.completion_tokens
            self.finished = str(event.reason)

    def _queue(self, position: int, wait: float) -> None:
        waits = position > 0 or wait > 0
        self._place = Queued(position, wait) if waits else None
        # one that was preempted waits again, but what it has written stands
        if self._state is not RequestState.WRITING:
            self._state = RequestState.QUEUED if waits else RequestState.READING

    def _write(self, tokens: int, now: float) -> float | None:
        gap = now - self._last_token if self._last_token else None
        self._state, self._place = RequestState.WRITING, None
        self._read = self._usage.prompt_tokens
        self.first_token = self.first_token or now
        self._last_token = now
        self._written += tokens
        return gap

    @property
    def usage(self) -> Usage:
        """What was read and written, as far as it has come."""
        return msgspec.structs.replace(self._usage, completion_tokens=self._written)

    @property
    def used(self) -> int:
        """Tokens that were spent on it; none while it waits."""
        waits = self._state in {RequestState.PREPARING, RequestState.QUEUED}
        if waits and not self.finished:
            return 0
        return self._usage.prompt_tokens + self._written

    def journaled(self, model: str, outcome: str) -> journal.Answer:
        """Return what the journal of its request says of it."""
        usage = self.usage
        return journal.Answer(
            model,
            usage.prompt_tokens,
            usage.completion_tokens,
            time.time(),
            usage.queue_seconds,
            usage.prefill_seconds,
            usage.decode_seconds,
            outcome,
        )

    def outcome(self, report: RequestReport, now: float) -> Outcome:
        """Return what its end says of the model."""
        failed = report.state is RequestState.FAILED
        return Outcome(
            seconds=now - self.started,
            completed=report.state is RequestState.DONE,
            error=report.reason if failed else "",
            first_token=self.first_token - self.started if self.first_token else None,
            tokens_per_second=report.tokens_per_second,
        )

    def report(self, now: float, end: End | None = None) -> RequestReport:
        """Return how it stands, or how it ended."""
        state, reason = end or (self._state, self.cancelled)
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
            queued=round(usage.queue_seconds, 3),
            first_token=round(self.first_token - self.started, 3) if self.first_token else None,
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
        tokens = self._written - 1
        # the worker's clock counts once it is known; a slow reader makes the daemon's run late
        seconds = self._usage.decode_seconds or self._last_token - self.first_token
        return round(tokens / seconds, 2) if tokens > 0 and seconds > 0 else None


class Followed:
    """A request that is followed: call it with each event."""

    def __init__(self, take: Callable[[Event], None], stop: Stop) -> None:
        self._take = take
        self.stop = stop
        """What `Requests.cancel` pulls."""

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._take(event)


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
        *,
        transcribe: bool = False,
    ) -> None:
        """`spend` is told of the tokens that each caller used; `transcribe` logs what is asked and
        answered.
        """
        self._metrics = metrics
        self._clock = clock
        self._spend = spend or _nobody_counts
        self._transcribe = transcribe
        self._count = 0
        self._live: dict[int, Tracked] = {}
        self._stops: dict[int, Stop] = {}
        self._ended: deque[RequestReport] = deque(maxlen=kept)
        self.performance = Performance()
        """How models did."""

    @contextmanager
    def follow(self, model: str, request: GenerateRequest, caller: Caller) -> Iterator[Followed]:
        """Follow one request for the length of a `with`; call what it hands out with each event."""
        self._count += 1
        stop = self._stops[self._count] = Stop()
        tracked = Tracked(self._count, model, request, caller, self._clock())
        self._live[self._count] = tracked
        transcript = Transcript(model, request.prompt) if self._transcribe else None
        gaps = self._metrics.answers.of(model).gaps
        failure = ""

        def follow(event: Event) -> None:
            gap = tracked.take(event, self._clock())
            if gap is not None:
                gaps.observe(gap)
            if transcript:
                transcript.take(event)

        try:
            yield Followed(follow, stop)
        except LlmdError as error:
            failure = error.code
            raise
        finally:
            if transcript:
                transcript.end()
            self._end(model, tracked, failure)

    def cancel(self, identity: int) -> RequestReport:
        """End a request that is under way, whose client is told so; return how it stood. Raises
        NotFound where there is none of that number, or it has ended.
        """
        request = self._live.get(identity)
        if request is None:
            raise NotFound(
                f"No request {identity} is under way.", hint="`llmd requests` lists them."
            )
        request.cancelled = RequestCancelled.code
        self._stops[identity].pull(
            RequestCancelled(
                "The request was cancelled on the machine that answers it.",
                hint="Ask its owner before you try again.",
            )
        )
        return request.report(self._clock())

    def asking(self, model: str, question: Question) -> None:
        """Log a question, where that is wanted."""
        if self._transcribe:
            note(model, question)

    def asked(self, model: str, tokens: int, caller: Caller) -> None:
        """Count a question that was answered in one piece."""
        self._metrics.answers.of(model).tokens["prompt"].inc(tokens)
        journal.note(journal.Answer(model, tokens, 0, time.time()))
        self._spend(caller, tokens)

    @contextmanager
    def timed(self, model: str) -> Iterator[None]:
        """Note how long a question takes, for the length of a `with`."""
        started = self._clock()
        try:
            yield
        except LlmdError as error:
            seconds = self._clock() - started
            outcome = Outcome(seconds=seconds, completed=False, error=error.code)
            self.performance.note(model, outcome)
            raise
        seconds = self._clock() - started
        self.performance.note(model, Outcome(seconds=seconds, completed=True))

    def list(self) -> RequestList:
        """Return how all of them stand."""
        now = self._clock()
        return RequestList([request.report(now) for request in self._live.values()], [*self._ended])

    def _end(self, model: str, tracked: Tracked, failure: str) -> None:
        now, metrics = self._clock(), self._metrics
        by_hand = failure == RequestCancelled.code
        failed = bool(failure) and not by_hand
        end = (RequestState.FAILED if failed else RequestState.CANCELLED, failure)
        if tracked.finished and not failure:
            end = (RequestState.DONE, tracked.finished)
            metrics.answers.of(model).inference.observe(now - tracked.started)
            metrics.all_inference_seconds.observe(now - tracked.started)
            account(metrics, model, tracked.usage)
        if tracked.first_token:
            seconds = tracked.first_token - tracked.started
            metrics.answers.of(model).first_token.observe(seconds)
        metrics.requests.labels(end[1] or str(end[0])).inc()
        self._spend(tracked.caller, tracked.used)
        journal.note(tracked.journaled(model, end[1] or str(end[0])))
        report = tracked.report(now, end)
        self.performance.note(model, tracked.outcome(report, now))
        del self._live[report.id], self._stops[report.id]
        self._ended.append(report)


def _nobody_counts(_caller: Caller, _tokens: int) -> None:
    """Where tokens cost nothing."""
