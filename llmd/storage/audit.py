"""The audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select

from llmd.protocol.accounts import AuditEntry, AuditKind, AuditPage, AuditWish
from llmd.storage.database import Database
from llmd.storage.tables.accounts import audit

_COLUMNS = ("at", "kind", "actor", "subject", "address", "detail")


class AuditRepository:
    """Keeps entries. All methods raise StorageFailed, and those that write NoRoom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entries: Sequence[AuditEntry], forget_before: float) -> None:
        """Keep entries, and forget those of before a moment."""
        rows = [{name: getattr(entry, name) for name in _COLUMNS} for entry in entries]
        async with self._database.writing() as connection:
            await connection.execute(delete(audit).where(audit.c.at < forget_before))
            await connection.execute(insert(audit), rows)

    async def list(self, limit: int) -> list[AuditEntry]:
        """Return the latest entries, newest first."""
        return (await self.page(AuditWish(limit=limit))).entries

    async def page(self, wish: AuditWish) -> AuditPage:
        """Return those that are wanted, newest first."""
        query = (
            select(audit)
            .where(*_wanted(wish))
            .order_by(audit.c.number.desc())
            .limit(wish.limit + 1)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        shown = rows[: wish.limit]
        older = shown[-1].number if len(rows) > len(shown) and shown else None
        return AuditPage(entries=[_to_entry(row) for row in shown], older=older)


def _wanted(wish: AuditWish) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wish.before is not None:
        found.append(audit.c.number < wish.before)
    if wish.kinds:
        found.append(audit.c.kind.in_(sorted(wish.kinds)))
    if wish.actor:
        found.append(audit.c.actor.icontains(wish.actor, autoescape=True))
    if wish.words:
        texts = (audit.c.actor, audit.c.subject, audit.c.address, audit.c.detail)
        found.append(or_(*(text.icontains(wish.words, autoescape=True) for text in texts)))
    return found


def _to_entry(row: Row[Any]) -> AuditEntry:
    found = {name: getattr(row, name) for name in _COLUMNS}
    return AuditEntry(**{**found, "kind": AuditKind(row.kind)})
