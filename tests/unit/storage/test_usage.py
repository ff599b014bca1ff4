from __future__ import annotations

import asyncio

from llmd.protocol.usage import Used
from llmd.storage import Database
from llmd.storage.usage import UsageRepository

HOUR = 3600.0
DAY = 24 * HOUR


def used(subject: str, hour: int, tokens: int, answers: int = 1) -> Used:
    return Used(subject=subject, start=hour * HOUR, tokens=tokens, answers=answers)


async def test_sums_grow_by_the_hour(database: Database) -> None:
    repository = UsageRepository(database)
    await repository.add([used("key:a", 100, 5), used("key:b", 100, 1)])
    await repository.add([used("key:a", 100, 6), used("key:a", 101, 7)])
    assert await repository.since(100 * HOUR) == [
        used("key:a", 100, 11, 2),
        used("key:b", 100, 1),
        used("key:a", 101, 7),
    ]
    assert await repository.since(101.5 * HOUR) == [used("key:a", 101, 7)]


async def test_days_are_sums_of_their_hours(database: Database) -> None:
    repository = UsageRepository(database)
    hours = [used("key:a", hour, 10) for hour in (47, 48, 71, 72)]
    await repository.add([*hours, used("key:b", 48, 99)])
    days = await repository.days("key:a", 2.5 * DAY)
    assert [(day.start, day.tokens, day.answers) for day in days] == [
        (2 * DAY, 20, 2),
        (3 * DAY, 10, 1),
    ]


async def test_days_of_all_are_told_apart(database: Database) -> None:
    repository = UsageRepository(database)
    sums = [used(subject, 48, 10) for subject in ("key:b", "key:a", "user:a", "keyring:a")]
    await repository.add([*sums, used("key:a", 49, 5), used("key:a", 1, 99)])
    days = await repository.days_of_all("key", 2.5 * DAY)
    assert [(day.subject, day.start, day.tokens) for day in days] == [
        ("key:a", 2 * DAY, 15),
        ("key:b", 2 * DAY, 10),
    ]


async def test_old_sums_are_forgotten(database: Database) -> None:
    repository = UsageRepository(database)
    await repository.add([used("key:a", 10, 1), used("key:a", 20, 1)])
    await repository.forget(15 * HOUR)
    assert await repository.since(0) == [used("key:a", 20, 1)]


async def test_two_writers_at_once_lose_nothing(database: Database) -> None:
    repository = UsageRepository(database)
    await asyncio.gather(*(repository.add([used("key:a", 1, 3)]) for _ in range(20)))
    assert await repository.since(0) == [used("key:a", 1, 60, 20)]


async def test_names_are_data_and_no_sql(database: Database) -> None:
    repository = UsageRepository(database)
    name = "key:'; DROP TABLE usage; --"
    await repository.add([used(name, 1, 3)])
    assert await repository.days(name, 0) == [Used(subject=name, start=0.0, tokens=3, answers=1)]
