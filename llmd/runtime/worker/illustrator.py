"""Encodes the pictures and sounds of requests before these are prepared, in a thread of its own:
neither running answers nor requests without media wait for it.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Protocol

from llmd.engine.media_cache import Encoded
from llmd.errors import InvalidRequest, QueueFull
from llmd.protocol.frames import Generate
from llmd.protocol.requests import ChatPrompt
from llmd.runtime.worker.media_prompt import places

# files of waiting requests, which lie in memory until their turn
_MOST_WAITING = 2**30


@dataclass(frozen=True, slots=True)
class Illustrated:
    """A request whose media are encoded; it came in at the monotonic second `arrived`."""

    frame: Generate
    shown: list[Encoded]
    arrived: float

    @property
    def id(self) -> int:
        """The request's."""
        return self.frame.id


class Encoder(Protocol):
    """What encodes media; see `Media` in engine/vision.py."""

    def encode(
        self, items: list[bytes], names: list[str], cancelled: Callable[[], bool]
    ) -> list[Encoded]:
        """Encode files, fewer when cancelled; raise LlmdError."""


class Illustrator:
    """The line of requests with media. `ready` and `failed` take what comes out, `alive` is called
    between two files.
    """

    def __init__(
        self,
        encoder: Encoder | None,
        cancelled: Container[int],
        ready: Callable[[Illustrated], None],
        failed: Callable[[int, Exception], None],
        alive: Callable[[], None],
    ) -> None:
        self._encoder = encoder
        self._cancelled = cancelled
        self._ready = ready
        self._failed = failed
        self._alive = alive
        self._line: queue.SimpleQueue[Illustrated] = queue.SimpleQueue()
        self._came = self._left = 0
        """Bytes that came in and that have left, each counted by one thread."""

    def take(self, frame: Generate) -> bool:
        """Queue a request if it has media (reader thread); False when there are none."""
        prompt = frame.request.prompt
        if not isinstance(prompt, ChatPrompt) or not prompt.media:
            return False
        size = sum(map(len, prompt.media))
        if self._came - self._left + size > _MOST_WAITING:
            self._failed(
                frame.id,
                QueueFull(
                    "Too many pictures and sounds are waiting for this model.",
                    hint="Try again in a few seconds.",
                    retry_after=5,
                ),
            )
            return True
        self._came += size
        self._line.put(Illustrated(frame, [], time.monotonic()))
        return True

    def run(self) -> None:
        """Encode for ever (a thread of its own)."""
        while True:
            self.encode_next()

    def encode_next(self) -> None:
        """Wait for a request and encode its media."""
        waiting = self._line.get()
        prompt = waiting.frame.request.prompt
        assert isinstance(prompt, ChatPrompt)  # noqa: S101  take() looked
        try:
            self._ready(
                Illustrated(waiting.frame, self._shown(waiting.id, prompt), waiting.arrived)
            )
        except Exception as error:  # noqa: BLE001  the boundary: others wait behind this request
            self._failed(waiting.id, error)
        self._left += sum(map(len, prompt.media))

    def _shown(self, request: int, prompt: ChatPrompt) -> list[Encoded]:
        def cancelled() -> bool:
            self._alive()
            return request in self._cancelled

        names = places(prompt.messages)
        if self._encoder is None:
            raise InvalidRequest(
                f"{names[0]} is not for this model: it takes text alone.",
                hint="Load it again, with its projector.",
                param=names[0],
            )
        return self._encoder.encode(prompt.media, names, cancelled)
