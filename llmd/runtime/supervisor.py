"""Judges workers: stalls, causes of death, how long to wait before the next start. Pure; clocks are
passed in.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from enum import StrEnum

from llmd.errors import PoisonRequest, WorkerDied

_QUICK_DEATH = 10.0
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0
_BUSY = 0.1
"""Share of one core from which on a process is at work: beside others it may get no more."""
_ENDLESS = 10
"""Limits after which work that shows no progress is taken for an endless loop."""
_ABORTS = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


class Cause(StrEnum):
    """Why a worker died."""

    OOM = "oom"
    KILLED = "killed"
    WEDGED = "wedged"
    NATIVE_ABORT = "native_abort"
    FAILED = "failed"
    """It ended by itself with an error, a bug of ours."""
    STOPPED = "stopped"
    """It was unloaded while requests were under way."""


class Progress:
    """Notices a worker that has work and does not advance, whatever its threads still answer. One
    that computes gets ten times as long: between two steps may lie a long decode call.
    """

    def __init__(self, limit: float, now: float) -> None:
        self._limit = limit
        self._since = now
        self._busy = self._looked = now
        self._used = 0.0
        self._steps = -1
        self._pending = 0

    def advanced(self, steps: int, now: float) -> None:
        """The worker reports its step counter."""
        if steps != self._steps:
            self._steps = steps
            self._since = now

    def pending(self, requests: int, now: float) -> None:
        """The number of requests under way changed."""
        if self._pending == 0:
            self._since = now
        self._pending = requests

    def used(self, seconds: float, now: float) -> None:
        """The process has used so many seconds of CPU time since it began."""
        if seconds - self._used >= _BUSY * (now - self._looked):
            self._busy = now
        self._used, self._looked = seconds, now

    def stalled(self, now: float) -> bool:
        """Whether it has stood still for too long while work was pending."""
        if self._limit < 0 or not self._pending:
            return False
        still = now - max(self._since, self._busy)
        return still > self._limit or now - self._since > _ENDLESS * self._limit


class Backoff:
    """Delays the next start of a model whose workers keep dying soon after they came up."""

    def __init__(self) -> None:
        self._quick_deaths = 0
        self._not_before = 0.0

    def died(self, lived: float, now: float) -> None:
        """A worker died `lived` seconds after it was ready."""
        if lived >= _QUICK_DEATH:
            self._quick_deaths = 0
            return
        self._quick_deaths += 1
        if self._quick_deaths > 1:
            self._not_before = now + min(
                _LONGEST_DELAY, _FIRST_DELAY * 2.0 ** (self._quick_deaths - 2)
            )

    def worked(self) -> None:
        """A worker answered a request in full: what killed others is not the model itself."""
        self._quick_deaths = 0

    def wait(self, now: float) -> float:
        """Return the seconds to wait before the next start."""
        return max(0.0, self._not_before - now)


def cause_of_death(return_code: int, *, wedged: bool, stopped: bool, oom_kills: int) -> Cause:
    """Name the cause; `oom_kills` counts what the kernel's out-of-memory killer did while the
    worker lived.
    """
    if stopped:
        return Cause.STOPPED
    if wedged:
        return Cause.WEDGED
    if return_code == -signal.SIGKILL:
        return Cause.OOM if oom_kills else Cause.KILLED
    if return_code < 0 and -return_code in _ABORTS:
        return Cause.NATIVE_ABORT
    return Cause.KILLED if return_code < 0 else Cause.FAILED


_SLOW = "where this machine is only slow, raise pool.stall_timeout"
_STORIES = {
    Cause.OOM: (
        "was killed by the system because memory ran out",
        "Use a smaller model or context.",
    ),
    Cause.KILLED: ("was killed from outside", "Send the request again."),
    Cause.WEDGED: (
        "made no progress and was replaced",
        f"Send the request again; {_SLOW}.",
    ),
    Cause.NATIVE_ABORT: (
        "crashed inside llama.cpp",
        "Send the request again; `llmd logs` has the reason.",
    ),
    Cause.FAILED: ("ended with an error", "Send the request again; `llmd logs` has the reason."),
    Cause.STOPPED: ("was unloaded", "Send the request again to load it anew."),
}


def death(model: str, cause: Cause, last_words: Sequence[str] = ()) -> WorkerDied:
    """Return the error that requests under way get."""
    story, hint = _STORIES[cause]
    said = (
        f" It said: {last_words[-1]}"
        if last_words and cause in {Cause.NATIVE_ABORT, Cause.FAILED}
        else ""
    )
    return WorkerDied(
        f"The process of {model} {story} before the answer was complete.{said}",
        hint=hint,
        cause=str(cause),
        model=model,
        retry_after=1,
    )


def poison(model: str, cause: str | None) -> PoisonRequest:
    """Return the error for a request that killed two workers, the second one all alone."""
    rest = f"; {_SLOW}" if cause == Cause.WEDGED else ""
    return PoisonRequest(
        f"The process of {model} died twice while it answered this request, "
        "the second time with no other beside it.",
        hint=f"It is not tried again; `llmd logs` has the reason{rest}.",
        cause=cause,
        model=model,
    )
