"""The line of requests that wait for a slot: two lanes, fair between clients. Pure.

Within a lane, requests are served by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996):
each gets a start tag, the later of the line's virtual time and its client's previous finish tag,
and the lowest tag is next. So a client with a hundred waiting requests delays another client's
first request by one of its own, not by a hundred. Interactive requests go before batch ones, but
while batch requests wait at most `_PASSES` interactive ones are served in a row.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator
from itertools import count

from llmd.engine.sequence import Sequence
from llmd.protocol.requests import Lane

_PASSES = 8
_LATELY = 16


class WaitingLine:
    """Sequences in the order in which they are to be served."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, list[tuple[float, int, Sequence]]] = {lane: [] for lane in Lane}
        self._finish: dict[str, float] = {}
        self._virtual = 0.0
        self._arrivals = count()
        self._passes = 0
        self._admissions: deque[float] = deque(maxlen=_LATELY)

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[Sequence]:
        """Yield the sequences as they would be served if nothing changed."""
        interactive, batch = (self._lanes[lane] for lane in (Lane.INTERACTIVE, Lane.BATCH))
        first = max(0, _PASSES - self._passes) if batch else len(interactive)
        yield from (entry[2] for entry in interactive[:first])
        left = interactive[first:]
        for _, _, sequence in batch:
            yield sequence
            yield from (entry[2] for entry in left[:_PASSES])
            left = left[_PASSES:]
        yield from (entry[2] for entry in left)

    def __contains__(self, sequence: Sequence) -> bool:
        return any(entry[2] is sequence for entry in self._lanes[sequence.lane])

    def add(self, sequence: Sequence) -> None:
        """Queue a new sequence; it costs its client its prompt and what it may answer."""
        start = max(self._virtual, self._finish.get(sequence.client, 0.0))
        self._finish[sequence.client] = start + len(sequence.tokens) + sequence.expected
        bisect.insort(self._lanes[sequence.lane], (start, next(self._arrivals), sequence))

    def put_back(self, sequence: Sequence) -> None:
        """Queue a preempted sequence before all others of its lane."""
        self._lanes[sequence.lane].insert(0, (self._virtual, -next(self._arrivals), sequence))

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence that was given up."""
        lane = self._lanes[sequence.lane]
        lane[:] = [entry for entry in lane if entry[2] is not sequence]
        self._tidy()

    def serve(self, sequence: Sequence, now: float) -> None:
        """Take out a sequence that is admitted at this second."""
        lane = self._lanes[sequence.lane]
        self._virtual = max(self._virtual, next(e[0] for e in lane if e[2] is sequence))
        interactive = sequence.lane is Lane.INTERACTIVE
        self._passes = self._passes + 1 if interactive and self._lanes[Lane.BATCH] else 0
        self._admissions.append(now)
        self.remove(sequence)

    def wait(self, position: int, now: float) -> float:
        """Guess the seconds until the sequence at this position is served, from what was lately."""
        if not position or not self._admissions:
            return 0.0
        each = (now - self._admissions[0]) / len(self._admissions)
        return position * each

    def rest(self) -> None:
        """Forget when sequences were served: nobody has waited since, so it tells nothing now."""
        self._admissions.clear()

    def _tidy(self) -> None:
        """Forget clients that are not ahead of the virtual time: they would start anew anyway."""
        waiting = {entry[2].client for lane in self._lanes.values() for entry in lane}
        self._finish = {
            client: tag
            for client, tag in self._finish.items()
            if client in waiting or tag > self._virtual
        }
