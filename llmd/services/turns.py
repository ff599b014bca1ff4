"""Answers that go on whether or not somebody listens, and what was told of them.

What is told of a turn is kept as runs of pieces of one kind. An id of an event is a place in them,
to the character: whoever comes late, or reads slowly, gets all there is of a run in one event, and
whoever comes back goes on exactly behind what they had.
"""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from llmd.errors import Draining, LlmdError, NotFound, RequestCancelled, SessionBusy
from llmd.services.gate import Gate

Facts = Mapping[str, Any]
Work = Callable[["Turn"], Coroutine[Any, Any, None]]

_MOST = 256
"""Turns that are remembered when they have ended."""
_HEAVIEST = 64 * 2**20
"""Bytes that they may hold together."""
_MOST_REQUESTS = 4096


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is told of a turn."""

    id: int
    """Where the turn has come to with it."""
    kind: str
    facts: Facts


@dataclass(slots=True)
class _Run:
    """Pieces of one kind: a head, which takes one place, and text, which takes one a character."""

    start: int
    kind: str
    facts: Facts
    """Of the head."""
    name: str = ""
    """Of the fact that grows; empty: none does, the newest facts count."""
    text: io.StringIO = field(default_factory=io.StringIO)
    """Grows by a token at a time, up to hundreds of thousands: joined strings would be copied for
    each.
    """
    length: int = 1

    @property
    def end(self) -> int:
        return self.start + self.length

    def write(self, text: str) -> None:
        """Add text."""
        self.text.seek(0, io.SEEK_END)
        self.text.write(text)
        self.length += len(text)

    def behind(self, place: int) -> Event:
        """Return what of it stands behind a place."""
        if not self.name:
            return Event(self.end, self.kind, self.facts)
        self.text.seek(max(0, place - self.start - 1))
        head = self.facts if place <= self.start else _mute(self.facts)
        return Event(self.end, self.kind, {**head, self.name: self.text.read()})


def _mute(facts: Facts) -> Facts:
    """Return what every piece of a run tells: numbers; names stand in the first one only."""
    return {name: fact for name, fact in facts.items() if not isinstance(fact, str)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for an answer, and where."""

    owner: str
    session: str
    request: str
    """Made up by who asks: the same one in the same session is the same turn."""
    facts: Facts = field(default_factory=dict)
    """What others see of it while it is not kept."""
    weight: int = 0
    """Bytes of that, roughly."""
    asks: bool = True
    """Whether something was asked that would be lost with it."""


class Turn:
    """One answer under way, or one that has ended lately."""

    def __init__(self, order: Order) -> None:
        self.id = secrets.token_urlsafe(16)
        self.order = order
        self.cut: LlmdError | None = None
        """Why it was cut off, once it is."""
        self.kept = False
        """Whether what came of it is in its session."""
        self.ended = False
        self._runs: list[_Run] = []
        self._changed = asyncio.Event()

    @property
    def end(self) -> int:
        """The id of its last event."""
        return self._runs[-1].end if self._runs else 0

    def tell(self, kind: str, facts: Facts) -> None:
        """Tell something; of several of one kind in a row only the last one counts."""
        last = self._runs[-1] if self._runs else None
        if last and last.kind == kind and not last.name:
            last.facts, last.length = facts, last.length + 1
        else:
            self._runs.append(_Run(self.end, kind, facts))
        self._wake()

    def write(self, kind: str, name: str, text: str, facts: Facts | None = None) -> None:
        """Tell more of a text, the fact `name`; what goes on is what has the same facts, strings
        aside, which the first piece alone has.
        """
        facts = facts or {}
        last = self._runs[-1] if self._runs else None
        goes_on = last and last.name and (last.kind, _mute(last.facts)) == (kind, _mute(facts))
        if not (last and goes_on):
            last = _Run(self.end, kind, facts, name)
            self._runs.append(last)
        last.write(text)
        self._wake()

    def finish(self, kind: str, facts: Facts, *, kept: bool) -> None:
        """Tell how it ended, once; nothing comes behind that."""
        if self.ended:
            return
        self._runs.append(_Run(self.end, kind, facts))
        self.kept, self.ended = kept, True
        self._wake()

    def behind(self, place: int) -> list[Event]:
        """Return what was told behind a place."""
        found: list[Event] = []
        for run in reversed(self._runs):
            if run.end <= place:
                break
            found.append(run.behind(place))
        return found[::-1]

    async def follow(self, place: int = 0) -> AsyncGenerator[list[Event]]:
        """Yield what was told behind a place, and what comes, until it has ended."""
        while True:
            if events := self.behind(place):
                place = events[-1].id
                yield events
            elif self.ended:
                return
            else:
                await self._changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Turns:
    """All turns under way, one in each session at most, and those that ended lately. A turn of
    which nothing was kept stays for longer, so that what was asked is not lost with a page that is
    loaded anew.
    """

    def __init__(self, gate: Gate, lasting: float = 60, unkept: float = 3600) -> None:
        """Remember turns that have ended for so many seconds; none begins while the gate drains."""
        self._gate = gate
        self._lasting = lasting
        self._unkept = unkept
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._latest: dict[str, Turn] = {}
        self._requests: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._forgetting: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def begin(
        self,
        order: Order,
        work: Work,
        seat: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> str:
        """Begin a turn and return its id; an order that was given before is the turn of then.
        `seat` gives what is held until it ends. Raises SessionBusy and Draining.
        """
        if known := self.known(order.session, order.request):
            return known
        if self._closed or self._gate.draining:
            raise shutting_down()
        if self.runs(order.session):
            raise SessionBusy(
                "An answer is being written in this session already.",
                hint="Wait for it, or stop it.",
            )
        held = seat()
        held.__enter__()
        turn = Turn(order)
        self._remember(turn)
        task = self._tasks[turn.id] = asyncio.ensure_future(work(turn))
        task.add_done_callback(partial(self._ended, turn, held))
        return turn.id

    def known(self, session: str, request: str) -> str:
        """Return the turn of an order that was given before; empty: it was not."""
        return self._requests.get((session, request), "")

    def get(self, owner: str, turn: str) -> Turn:
        """Return a turn; raise NotFound for one that is forgotten or somebody else's."""
        found = self._turns.get(turn)
        if found is None or found.order.owner != owner:
            raise NotFound(
                "This answer is not under way.", hint="What was kept of it is in its session."
            )
        return found

    def of(self, session: str) -> Turn | None:
        """Return the turn of a session: one that runs, or the last one if nothing of it was
        kept.
        """
        turn = self._latest.get(session)
        return None if turn is None or (turn.ended and turn.kept) else turn

    def runs(self, session: str) -> bool:
        """Whether an answer is being written in a session."""
        turn = self._latest.get(session)
        return turn is not None and turn.id in self._tasks

    async def stop(self, turn: Turn, why: LlmdError) -> None:
        """Cut a turn off; what came of it is kept when this returns. One that has ended is
        forgotten: whoever stops it has seen how.
        """
        task = self._tasks.get(turn.id)
        if task is None:
            self._forget(turn)
            return
        if turn.cut is None:  # once: what came may be being kept
            turn.cut = why
            task.cancel()
        await asyncio.wait([task])

    async def drop(self, session: str, why: LlmdError) -> None:
        """Cut off the turn of a session, and forget the last one."""
        if turn := self._latest.get(session):
            await self.stop(turn, why)
            self._forget(turn)

    async def close(self) -> None:
        """Begin nothing more, and cut off what runs; what came of it is kept."""
        self._closed = True
        running = [self._turns[turn] for turn in self._tasks]
        await asyncio.gather(*(self.stop(turn, shutting_down()) for turn in running))
        for turn in tuple(self._turns.values()):
            self._forget(turn)

    def _remember(self, turn: Turn) -> None:
        if before := self._latest.get(turn.order.session):
            self._last_for(before, self._lasting)  # what was not kept is asked anew, or given up
        self._turns[turn.id] = self._latest[turn.order.session] = turn
        self._requests[turn.order.session, turn.order.request] = turn.id
        while len(self._requests) > _MOST_REQUESTS:
            self._requests.popitem(last=False)

    def _ended(
        self, turn: Turn, held: AbstractContextManager[None], task: asyncio.Task[None]
    ) -> None:
        held.__exit__(None, None, None)
        del self._tasks[turn.id]
        if not turn.ended:
            turn.finish("failed", told(turn.cut or _bug(task)) | {"kept": False}, kept=False)
        lost = turn.order.asks and not turn.kept and not isinstance(turn.cut, RequestCancelled)
        self._last_for(turn, self._unkept if lost else self._lasting)
        self._trim()

    def _trim(self) -> None:
        over = [one for one in self._turns.values() if one.id not in self._tasks]
        weight = sum(one.order.weight for one in over)
        for count, one in zip(range(len(over), 0, -1), over, strict=True):
            if count <= _MOST and weight <= _HEAVIEST:
                return
            weight -= one.order.weight
            self._forget(one)

    def _last_for(self, turn: Turn, seconds: float) -> None:
        if handle := self._forgetting.pop(turn.id, None):
            handle.cancel()
        if turn.id in self._turns and not self._closed:
            loop = asyncio.get_running_loop()
            self._forgetting[turn.id] = loop.call_later(seconds, self._forget, turn)

    def _forget(self, turn: Turn) -> None:
        if handle := self._forgetting.pop(turn.id, None):
            handle.cancel()
        self._turns.pop(turn.id, None)
        if self._latest.get(turn.order.session) is turn:
            del self._latest[turn.order.session]


def told(error: LlmdError) -> dict[str, Any]:
    """Return what is told of a failure."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


def shutting_down() -> Draining:
    """Return why turns are cut off when the daemon stops."""
    return Draining("llmd is shutting down.", hint="Ask again once it is back.", retry_after=5)


def _bug(task: asyncio.Task[None]) -> LlmdError:
    error = None if task.cancelled() else task.exception()
    structlog.get_logger("turns").error("bug", exc_info=error)
    return LlmdError(
        "llmd made an internal error.", hint="`llmd logs` has the details; please report them."
    )
