from __future__ import annotations

import asyncio

import structlog

from llmd.errors import StorageFailed
from llmd.protocol.usage import Used
from llmd.services.usage import Usage


class FakeLedger:
    """Keeps what it is told, or fails."""

    def __init__(self) -> None:
        self.rows: list[Used] = []
        self.forgotten: list[float] = []
        self.broken = False

    async def add(self, used: list[Used]) -> None:
        if self.broken:
            raise StorageFailed("The disk is gone.")
        self.rows += used

    async def since(self, moment: float) -> list[Used]:
        return [row for row in self.rows if row.start >= moment - 3600]

    async def days(self, subject: str, moment: float) -> list[Used]:
        return [row for row in self.rows if row.subject == subject]

    async def days_of_all(self, kind: str, moment: float) -> list[Used]:
        return [row for row in self.rows if row.subject.startswith(f"{kind}:")]

    async def forget(self, moment: float) -> None:
        self.forgotten.append(moment)


class Clock:
    def __init__(self) -> None:
        self.now = 360_000.0

    def __call__(self) -> float:
        return self.now


def used(subject: str, start: float, tokens: int, answers: int) -> Used:
    return Used(subject=subject, start=start, tokens=tokens, answers=answers)


async def test_answers_of_an_hour_are_one_sum() -> None:
    ledger, clock = FakeLedger(), Clock()
    usage = Usage(ledger, clock)
    for tokens in (5, 6):
        usage.note("key:a", tokens)
    usage.note("key:b", 1)
    clock.now += 3600
    usage.note("key:a", 7)
    await usage.flush()
    await usage.flush()
    assert ledger.rows == [
        used("key:a", 360_000, 11, 2),
        used("key:b", 360_000, 1, 1),
        used("key:a", 363_600, 7, 1),
    ]


async def test_what_cannot_be_written_is_kept_and_told_once() -> None:
    ledger = FakeLedger()
    usage = Usage(ledger, Clock())
    ledger.broken = True
    usage.note("key:a", 5)
    with structlog.testing.capture_logs() as lines:
        await usage.flush()
        usage.note("key:a", 6)
        await usage.flush()
    assert [line["event"] for line in lines] == ["used tokens are not kept"]
    ledger.broken = False
    await usage.flush()
    assert ledger.rows == [used("key:a", 360_000, 11, 2)]


async def test_a_broken_database_does_not_fill_the_memory() -> None:
    ledger = FakeLedger()
    ledger.broken = True
    usage = Usage(ledger, Clock())
    for number in range(60_000):
        usage.note(f"address:{number}", 1)
    assert len(usage._pending) == 50_000


async def test_sums_are_written_now_and_then_and_at_the_end() -> None:
    ledger, clock = FakeLedger(), Clock()
    usage = Usage(ledger, clock, pause=0.01)
    usage.start()
    usage.note("key:a", 5)
    while not ledger.rows:
        await asyncio.sleep(0.005)
    usage.note("key:a", 6)
    await usage.close()
    assert sum(row.tokens for row in ledger.rows) == 11
    assert ledger.forgotten == [clock.now - 400 * 86_400]


async def test_days_include_what_is_not_written_yet() -> None:
    usage = Usage(FakeLedger(), Clock())
    usage.note("key:a", 5)
    (day,) = await usage.days("key:a")
    assert day.tokens == 5
    assert await usage.days_of_all("key") == [day]
    assert await usage.days_of_all("user") == []
    assert await usage.recent() == [(360_000.0, "key:a", 5)]
