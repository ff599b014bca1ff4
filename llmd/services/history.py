"""The last two minutes of figures, as lists of equal length. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from llmd.protocol.feed import History, MachineLoad, ModelHistory
from llmd.protocol.models import LoadedModel
from llmd.protocol.reports import RequestList, RequestReport

_KEPT = 120
_GAP = 5.0
"""Seconds without a look after which the figures before it are forgotten."""


class Past:
    """Takes figures as they come and gives them out as a History."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._moments: deque[float] = deque(maxlen=kept)
        self._cpu: deque[float] = deque(maxlen=kept)
        self._memory: deque[int] = deque(maxlen=kept)
        self._models: dict[str, _Lists] = {}

    def add(
        self,
        now: float,
        machine: MachineLoad,
        models: Sequence[LoadedModel],
        requests: RequestList,
    ) -> History:
        """Take one moment (seconds since the epoch) and return all that are kept."""
        if self._moments and not 0 <= now - self._moments[-1] <= _GAP:
            self._forget()
        since = self._moments[-1] if self._moments else now
        self._moments.append(now)
        self._cpu.append(round(machine.cpu, 1))
        self._memory.append(machine.memory_used)
        first = first_tokens([*requests.live, *requests.ended], since, now)
        for gone in self._models.keys() - {model.name for model in models}:
            del self._models[gone]
        for model in models:
            lists = self._models.setdefault(model.name, _Lists(self._kept))
            lists.add(len(self._moments), model, first.get(model.name))
        return History(
            moments=[*self._moments],
            cpu=[*self._cpu],
            memory_used=[*self._memory],
            models={name: lists.report() for name, lists in self._models.items()},
        )

    def _forget(self) -> None:
        for series in (self._moments, self._cpu, self._memory, self._models):
            series.clear()


class _Lists:
    """One model's figures."""

    def __init__(self, kept: int) -> None:
        self._generated: deque[float] = deque(maxlen=kept)
        self._read: deque[float] = deque(maxlen=kept)
        self._first: deque[float | None] = deque(maxlen=kept)
        self._running: deque[int] = deque(maxlen=kept)
        self._waiting: deque[int] = deque(maxlen=kept)
        self._kv_used: deque[int] = deque(maxlen=kept)

    def add(self, length: int, model: LoadedModel, first: float | None) -> None:
        """Take one moment; moments at which it was not loaded, of `length` in all, show zeros."""
        missing = length - 1 - len(self._running)
        for _ in range(min(missing, length)):
            self._put(0.0, 0.0, None, (0, 0, 0))
        now = model.activity
        counts = (now.running, now.waiting, now.kv_used)
        self._put(now.generated_per_second, now.read_per_second, first, counts)

    def _put(
        self, generated: float, read: float, first: float | None, counts: tuple[int, int, int]
    ) -> None:
        self._generated.append(round(generated, 2))
        self._read.append(round(read, 2))
        self._first.append(first)
        self._running.append(counts[0])
        self._waiting.append(counts[1])
        self._kv_used.append(counts[2])

    def report(self) -> ModelHistory:
        return ModelHistory(
            generated=[*self._generated],
            read=[*self._read],
            first_token=[*self._first],
            running=[*self._running],
            waiting=[*self._waiting],
            kv_used=[*self._kv_used],
        )


def first_tokens(requests: Sequence[RequestReport], since: float, until: float) -> dict[str, float]:
    """Return by model the mean seconds to the first token, of the answers that began after `since`
    and not after `until` (seconds since the epoch).
    """
    found: dict[str, list[float]] = {}
    for request in requests:
        if request.first_token is None:
            continue
        if since < request.arrived + request.first_token <= until:
            found.setdefault(request.model, []).append(request.first_token)
    return {model: round(sum(times) / len(times), 3) for model, times in found.items()}
