from __future__ import annotations

import asyncio

import pytest

from llmd.protocol.events import (
    Accepted,
    CallDelta,
    Delta,
    Finished,
    FinishReason,
    Queued,
    Reading,
    TokenLogprob,
    Usage,
)
from llmd.runtime.mailbox import Mailbox

FINISHED = Finished(FinishReason.STOP, Usage())


async def test_events_come_in_order() -> None:
    box = Mailbox()
    for event in (Accepted(3), Delta("a", 1), FINISHED):
        box.put(event)
    assert [await box.get() for _ in range(3)] == [Accepted(3), Delta("a", 1), FINISHED]


async def test_deltas_melt_together_while_nobody_reads() -> None:
    box = Mailbox()
    for number in range(1000):
        box.put(Delta("x", 1, [TokenLogprob(number, b"x", -1.0, [])]))
    box.put(FINISHED)
    delta = await box.get()
    assert isinstance(delta, Delta)
    assert (delta.text, delta.tokens, len(delta.logprobs)) == ("x" * 1000, 1000, 1000)
    assert await box.get() == FINISHED


async def test_reasoning_and_calls_melt_together_as_well() -> None:
    box = Mailbox()
    box.put(Delta("", 1, reasoning="a"))
    box.put(Delta("", 1, reasoning="b", calls=[CallDelta(0, "id", "f")]))
    for _ in range(3):
        box.put(Delta("", 1, calls=[CallDelta(0, arguments="x")]))
    box.put(Delta("t", 1, calls=[CallDelta(1, "other", "g")]))
    assert await box.get() == Delta(
        "t",
        6,
        reasoning="ab",
        calls=[CallDelta(0, "id", "f", "xxx"), CallDelta(1, "other", "g")],
    )


async def test_a_reader_waits_for_what_comes_later() -> None:
    box = Mailbox()
    reading = asyncio.ensure_future(box.get())
    await asyncio.sleep(0)
    assert not reading.done()
    box.put(Accepted(1))
    assert await reading == Accepted(1)


async def test_a_failure_comes_after_what_was_there_before_it_and_stays() -> None:
    box = Mailbox()
    box.put(Delta("a", 1))
    box.fail(ValueError("gone"))
    assert await box.get() == Delta("a", 1)
    for _ in range(2):
        with pytest.raises(ValueError, match="gone"):
            await box.get()


async def test_only_the_newest_place_is_kept_while_nobody_reads() -> None:
    box = Mailbox()
    box.put(Accepted(3, 0, 9, 5.0))
    for place in range(8, -1, -1):
        box.put(Queued(place, 1.0))
    box.put(Reading(1, 0))
    box.put(Reading(2, 0))
    box.put(Delta("a", 1))
    assert [await box.get() for _ in range(3)] == [
        Accepted(3, 0, 9, 5.0),
        Reading(2, 0),
        Delta("a", 1),
    ]
