"""Asks for one answer and adds what comes to its turn, until it ends in whatever way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from llmd.errors import LlmdError
from llmd.tui.chat.chunks import take
from llmd.tui.chat.turns import Turn, TurnState

PATH = "/v1/chat/completions"


class Streams(Protocol):
    """What it needs of a client."""

    def stream_events(
        self, path: str, body: object = None, method: str = "POST", trace: str = ""
    ) -> AsyncGenerator[dict[str, Any]]:
        """See AsyncClient."""


async def ask(
    client: Streams,
    body: dict[str, Any],
    turn: Turn,
    changed: Callable[[Turn], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Fill a turn; `changed` is told whenever there is more to be seen. Failures end the turn and
    are not raised; being cancelled is the person's wish to stop.
    """
    began = clock()
    order = {**body, "stream": True, "stream_options": {"include_usage": True}}
    try:
        async with aclosing(client.stream_events(PATH, order, trace=turn.trace)) as chunks:
            async for chunk in chunks:
                if take(turn, chunk, clock() - began):
                    changed(turn)
    except LlmdError as error:
        turn.end(TurnState.BROKEN, error)
    except asyncio.CancelledError:
        turn.end(TurnState.STOPPED)
        raise
    else:
        turn.end(TurnState.DONE)
    finally:
        changed(turn)
