"""Waiting in tests of code that runs in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_TURNS = 100


async def moment(seconds: float = 0.01) -> None:
    """Let happen what is about to: on a busy machine a short sleep alone may be a single turn of
    the loop.
    """
    await asyncio.sleep(seconds)
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something has happened."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
