from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llmd.errors import NoRoom
from llmd.services.deferred import Deferred


async def test_notes_are_written_together_after_a_while() -> None:
    written: list[Sequence[int]] = []
    came = asyncio.Event()

    async def write(notes: Sequence[int]) -> None:
        written.append(notes)
        came.set()

    pending = Deferred(write, 0.01)
    pending.add(1)
    pending.add(2)
    assert written == []
    await came.wait()
    assert written == [[1, 2]]
    came.clear()
    pending.add(3)
    await came.wait()
    assert written == [[1, 2], [3]]
    await pending.close()


async def test_closing_writes_what_is_left_and_takes_nothing_more() -> None:
    written: list[Sequence[int]] = []

    async def write(notes: Sequence[int]) -> None:
        written.append(notes)

    pending = Deferred(write, 3600)
    pending.add(1)
    await pending.close()
    assert written == [[1]]
    pending.add(2)
    await pending.close()
    assert written == [[1]]


async def test_a_full_disk_costs_the_notes_and_nothing_else() -> None:
    async def write(notes: Sequence[int]) -> None:
        raise NoRoom("full")

    pending = Deferred(write, 0.001)
    pending.add(1)
    await pending.flush()
    pending.add(2)
    await pending.close()


async def test_notes_take_bounded_memory() -> None:
    written: list[int] = []

    async def write(notes: Sequence[int]) -> None:
        written.extend(notes)

    pending = Deferred(write, 3600)
    for number in range(20_000):
        pending.add(number)
    await pending.close()
    assert len(written) == 10_000
