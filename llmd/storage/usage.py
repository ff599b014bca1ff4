"""Tokens used, as they are kept: sums by the hour."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, func, select

from llmd.protocol.usage import Used
from llmd.storage.database import Database
from llmd.storage.tables.usage import usage
from llmd.storage.upsert import upsert

_HOUR = 3600
_DAY = 24 * _HOUR


class UsageRepository:
    """Adds to the sums, and reads them; raises what `Database` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, used: Iterable[Used]) -> None:
        """Add to the sums of the hours in which they start, in one transaction."""
        async with self._database.writing() as connection:
            # in one order everywhere, so that two daemons on one server never wait crosswise
            for one in sorted(used, key=lambda one: (one.subject, one.start)):
                hour = int(one.start // _HOUR)
                row = {
                    "subject": one.subject,
                    "hour": hour,
                    "tokens": one.tokens,
                    "answers": one.answers,
                }
                more = {
                    "tokens": usage.c.tokens + one.tokens,
                    "answers": usage.c.answers + one.answers,
                }
                await connection.execute(upsert(connection, usage, row, more))

    async def since(self, moment: float) -> list[Used]:
        """Return the sums of all hours that end after a moment, oldest first."""
        wanted = select(usage).where(usage.c.hour >= int(moment // _HOUR)).order_by(usage.c.hour)
        async with self._database.reading() as connection:
            rows = await connection.execute(wanted)
            return [
                Used(
                    subject=row.subject,
                    start=float(row.hour * _HOUR),
                    tokens=row.tokens,
                    answers=row.answers,
                )
                for row in rows
            ]

    async def days(self, subject: str, moment: float) -> list[Used]:
        """Return the sums of one subject by the day (UTC), from the day of a moment on."""
        return await self._days(usage.c.subject == subject, moment)

    async def days_of_all(self, kind: str, moment: float) -> list[Used]:
        """Return the same of all subjects of a kind (`key`), by subject and day."""
        return await self._days(usage.c.subject.startswith(f"{kind}:", autoescape=True), moment)

    async def _days(self, whose: ColumnElement[bool], moment: float) -> list[Used]:
        # whole numbers throughout: `/` of SQLite and of PostgreSQL differ elsewhere
        day = (usage.c.hour - usage.c.hour % 24).label("day")
        sums = (func.sum(usage.c.tokens), func.sum(usage.c.answers))
        wanted = (
            select(usage.c.subject, day, *sums)
            .where(whose, usage.c.hour >= int(moment // _DAY) * 24)
            .group_by(usage.c.subject, day)
            .order_by(usage.c.subject, day)
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(wanted)
            return [
                Used(
                    subject=subject,
                    start=float(start * _HOUR),
                    tokens=int(tokens),
                    answers=int(answers),
                )
                for subject, start, tokens, answers in rows
            ]

    async def forget(self, moment: float) -> None:
        """Delete what is from before a moment."""
        async with self._database.writing() as connection:
            await connection.execute(delete(usage).where(usage.c.hour < int(moment // _HOUR)))
