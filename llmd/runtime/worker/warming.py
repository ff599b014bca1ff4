"""Reads and writes warm prefixes, each in a thread of its own, so that running answers do not wait
for the disk, nor new requests for what is written to it.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from llmd.engine.step import Engine
from llmd.engine.warm_prefixes import Recalled, WarmPrefixes

_QUIET = 2.0
"""Seconds without a request after which prefixes are saved, one at a time."""
_AT_THE_END = 8.0
"""Seconds that saving may take when the worker is told to stop."""


class Warming:
    """The traffic between one engine and its cache files; `answer` takes what was found."""

    def __init__(self, engine: Engine | None, answer: Callable[[Recalled], None]) -> None:
        self._engine = engine
        self._warm: WarmPrefixes | None = engine.warm if engine else None
        self._answer = answer
        self._writer = ThreadPoolExecutor(1, "prefix-writer")
        self._reader = ThreadPoolExecutor(1, "prefix-reader")
        self._saving: Future[bool] | None = None
        self._quiet_since = time.monotonic()
        self._clear = False
        """Whether nothing is left to copy out of the way of the next request."""
        if engine and self._warm:
            engine.fetch = self._fetch

    def busy(self) -> None:
        """Note that there was work: saving waits."""
        self._quiet_since = time.monotonic()
        self._clear = False

    def patience(self) -> float | None:
        """Return how long to wait for work before `save` is called again; None: for ever."""
        if not self._warm:
            return None
        if not self._clear:
            return 0.0
        if not self._warm.pending:
            return None
        if self._saving and not self._saving.done():
            return _QUIET
        return max(0.0, self._quiet_since + _QUIET - time.monotonic())

    def save(self) -> None:
        """Copy one prefix out of the way of requests to come, or have one written, while nothing
        else is to do.
        """
        if self._warm and not self._clear:
            self._clear = not self._warm.put_by()
            return
        if not self._warm or (self._saving and not self._saving.done()):
            return
        if snapshot := self._warm.next():
            self._saving = self._writer.submit(self._warm.store, snapshot)

    def finish(self) -> None:
        """Save what is left, running answers included, for as long as that may take."""
        deadline = time.monotonic() + _AT_THE_END
        if not self._engine or not self._warm:
            return
        self._engine.park_all()
        if self._saving:
            wait([self._saving], _AT_THE_END)
        while self._warm.pending and time.monotonic() < deadline:
            if snapshot := self._warm.next():
                self._warm.store(snapshot)

    def _fetch(self, sequence: int, tokens: list[int], reused: int) -> None:
        warm = self._warm
        if warm:
            self._reader.submit(self._look, warm, sequence, tokens, reused)

    def _look(self, warm: WarmPrefixes, sequence: int, tokens: list[int], reused: int) -> None:
        try:
            found = warm.look(sequence, tokens, reused)
        except Exception:  # noqa: BLE001  the boundary: a request waits, and can go on without
            traceback.print_exc()  # the daemon logs what this process writes
            found = Recalled(sequence)
        self._answer(found)
