"""How models perform: figures of their latest requests, measured since the daemon started. Bounded:
old requests make room for new ones, and models that were asked long ago for others.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

import msgspec

from llmd.errors import QueueFull, code_status
from llmd.protocol.directory import Measured

_LATEST = 500
_MODELS = 500
_SERVER_ERROR = 500
_ROUND = 2


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one request ended."""

    seconds: float
    """From arrival to its end."""
    completed: bool
    """Whether it was answered to the end; one that its client left was not."""
    error: str = ""
    """Code of the LlmdError that ended it."""
    first_token: float | None = None
    """Seconds from arrival to it."""
    tokens_per_second: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it was not answered, and llmd or the machine are to blame."""
        return bool(self.error) and (
            self.error == QueueFull.code or code_status(self.error) >= _SERVER_ERROR
        )


class Performance:
    """The latest outcomes of each model."""

    def __init__(self, latest: int = _LATEST, models: int = _MODELS) -> None:
        self._latest = latest
        self._models = models
        self._outcomes: OrderedDict[str, deque[Outcome]] = OrderedDict()

    def note(self, model: str, outcome: Outcome) -> None:
        """Take how a request ended."""
        outcomes = self._outcomes.setdefault(model, deque(maxlen=self._latest))
        outcomes.append(outcome)
        self._outcomes.move_to_end(model)
        if len(self._outcomes) > self._models:
            self._outcomes.popitem(last=False)

    def of(self, model: str) -> Measured:
        """Return the figures of a model."""
        # what the client did wrong, or broke off, tells nothing of the model
        told = [one for one in self._outcomes.get(model, ()) if one.completed or one.failed]
        done = [one for one in told if one.completed]
        return Measured(
            requests=len(told),
            average_latency_ms=_mean((one.seconds for one in done), 1000),
            first_token_ms=_mean((one.first_token for one in done), 1000),
            tokens_per_second=_mean(one.tokens_per_second for one in done),
            availability=round(len(done) / len(told), 4) if told else None,
        )


def _mean(values: Iterable[float | None], times: float = 1.0) -> float | None:
    known = [value for value in values if value is not None]
    return round(times * sum(known) / len(known), _ROUND) if known else None
