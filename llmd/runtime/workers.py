"""What may be asked of any worker, wherever it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, TypeVar

from llmd.protocol.events import Event
from llmd.protocol.frames import Ready
from llmd.protocol.models import Activity
from llmd.protocol.questions import Question
from llmd.protocol.requests import GenerateRequest

R = TypeVar("R")


class Worker(Protocol):
    """A loaded model that answers requests; usable from the moment it is handed out until `stop`.

    Any call raises WorkerDied (with a `cause`) when the worker is gone or goes while the call is
    under way.
    """

    @property
    def ready(self) -> Ready:
        """What the worker settled on when it loaded."""
        ...

    @property
    def pid(self) -> int:
        """Process id, 0 when it is no process of this machine."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it can take requests."""
        ...

    @property
    def running(self) -> int:
        """Requests under way, waiting ones included."""
        ...

    @property
    def computing(self) -> bool:
        """Whether it has anything left to compute for them."""
        ...

    @property
    def activity(self) -> Activity:
        """How its engine stands, as it last told."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        """Answer a request: one Accepted, any number of Queued, Reading and Delta, one Finished.

        Closing the generator cancels the request within one decode step. Raises ContextOverflow,
        InvalidRequest, QueueFull or NoRoom, always before the first Delta, and WorkerDied at any
        time.
        """
        ...

    async def ask(self, question: Question, kind: type[R]) -> R:
        """Answer a question; `kind` is the reply it has. Cancelling the call cancels the work.

        Raises ContextOverflow naming the first input that is too long, InvalidRequest or NoRoom.
        """
        ...

    def shrink(self, size: int) -> None:
        """Have its caches give up so many bytes; at once nothing happens, and never an error."""
        ...

    def share(self, workers: int) -> None:
        """So many workers compute on this machine now: use a share of its cores; never an error."""
        ...

    async def retire(self) -> None:
        """End it, but let it save what it has read first, for a few seconds; otherwise as `stop`,
        which may be called meanwhile.
        """
        ...

    async def stop(self) -> None:
        """End it now; requests under way fail with WorkerDied. Calling it twice is fine."""
        ...
